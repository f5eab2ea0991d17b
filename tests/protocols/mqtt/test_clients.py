"""Real clients: paho-mqtt, mosquitto's command line, mqtt.js and its command line."""

from __future__ import annotations

import asyncio
import json
import queue
from typing import Any

import paho.mqtt.client as paho
import pytest
from mqtt_stage import Stage
from node import find_program, node, program_running
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from kuzzle.notification import Notification

WAIT_S = 30
REQUEST = json.dumps({"controller": "server", "action": "now", "requestId": "one"})


class Paho:
    """paho-mqtt in its own thread, with what it hears in a queue."""

    def __init__(self, version: MQTTProtocolVersion, client_id: str = "", **options: Any) -> None:
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id, protocol=version, **options)
        self.heard: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.client.on_connect = lambda c, u, flags, reason, p: self.heard.put(("connected", (flags, reason)))
        self.client.on_disconnect = lambda c, u, flags, reason, p: self.heard.put(("disconnected", reason))
        self.client.on_message = lambda c, u, message: self.heard.put(("message", message))
        self.client.on_subscribe = lambda c, u, mid, reasons, p: self.heard.put(("subscribed", reasons))
        self.client.on_publish = lambda c, u, mid, reason, p: self.heard.put(("published", mid))

    async def start(self, port: int, **options: Any) -> Any:
        """Connect and return flags and reason."""
        await asyncio.to_thread(self.client.connect, "localhost", port, **options)
        self.client.loop_start()
        return await self.next("connected")

    async def next(self, kind: str) -> Any:
        """Return the next thing heard, which must be of this kind."""
        heard, value = await asyncio.to_thread(self.heard.get, timeout=WAIT_S)
        assert heard == kind, (heard, value)
        return value

    async def stop(self) -> None:
        """End the connection and the thread."""
        self.client.disconnect()
        await asyncio.to_thread(self.client.loop_stop)


@pytest.mark.parametrize(
    "version", [MQTTProtocolVersion.MQTTv31, MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5]
)
@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_paho_asks_and_hears_at_every_qos(version: MQTTProtocolVersion, qos: int) -> None:
    async with Stage({"allowPubSub": True}) as stage:
        client = Paho(version, "paho")
        await client.start(stage.port)
        client.client.subscribe([("Kuzzle/response", 0), ("news", qos), ("Kuzzle/request", 0)])
        codes = [int(reason.value) for reason in await client.next("subscribed")]
        assert codes == [0, qos, 0x87 if version == MQTTProtocolVersion.MQTTv5 else 0x80]

        client.client.publish("Kuzzle/request", REQUEST, qos)
        heard = [await asyncio.to_thread(client.heard.get, timeout=WAIT_S) for _ in range(2)]
        (message,) = [value for kind, value in heard if kind == "message"]
        assert (message.topic, json.loads(message.payload)["requestId"]) == ("Kuzzle/response", "one")
        assert {kind for kind, _ in heard} == {"message", "published"}

        client.client.publish("news", b"\x00\xff", qos)
        heard = [await asyncio.to_thread(client.heard.get, timeout=WAIT_S) for _ in range(2)]
        (message,) = [value for kind, value in heard if kind == "message"]
        assert (message.topic, message.payload, message.qos) == ("news", b"\x00\xff", qos)
        await client.stop()


async def test_paho_gets_every_one_of_many_messages_of_qos_2_once() -> None:
    async with Stage({"allowPubSub": True, "maxInflight": 50}) as stage:
        client = Paho(MQTTProtocolVersion.MQTTv5, "paho")
        await client.start(stage.port)
        client.client.subscribe("news", 2)
        await client.next("subscribed")
        client.client.on_publish = None
        for number in range(300):
            client.client.publish("news", str(number), 2)
        assert [int((await client.next("message")).payload) for _ in range(300)] == list(range(300))
        await client.stop()


@pytest.mark.parametrize("version", [MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5])
async def test_paho_finds_its_session_again_with_what_it_missed(version: MQTTProtocolVersion) -> None:
    is_new = version == MQTTProtocolVersion.MQTTv5
    expiry = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    expiry.SessionExpiryInterval = 60
    kept: dict[str, Any] = {"clean_start": False, "properties": expiry} if is_new else {}
    async with Stage() as stage:
        client = Paho(version, "paho", **({} if is_new else {"clean_session": False}))
        flags, _ = await client.start(stage.port, **kept)
        assert not flags.session_present
        client.client.subscribe("channel", 1)
        await client.next("subscribed")
        await client.stop()
        await client.next("disconnected")
        for number in range(3):
            stage.protocol.broadcast(["channel"], Notification({"number": number}))
        back = Paho(version, "paho", **({} if is_new else {"clean_session": False}))
        flags, _ = await back.start(stage.port, **kept)
        assert flags.session_present
        heard = [await back.next("message") for _ in range(3)]
        assert [json.loads(message.payload)["number"] for message in heard] == [0, 1, 2]
        await back.stop()


async def test_paho_5_sees_properties_subscription_identifiers_and_reasons() -> None:
    async with Stage({"allowPubSub": True}) as stage:
        client = Paho(MQTTProtocolVersion.MQTTv5)
        _, reason = await client.start(stage.port)
        assert reason.value == 0
        subscription = Properties(PacketTypes.SUBSCRIBE)  # type: ignore[no-untyped-call]
        subscription.SubscriptionIdentifier = 300
        client.client.subscribe("news", options=SubscribeOptions(qos=1), properties=subscription)
        await client.next("subscribed")
        sent = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        sent.ResponseTopic = "answers"
        sent.CorrelationData = b"\x01\x02"
        sent.UserProperty = [("a", "1"), ("a", "2")]
        sent.MessageExpiryInterval = 60
        client.client.publish("news", b"hello", 0, properties=sent)
        heard = [await asyncio.to_thread(client.heard.get, timeout=WAIT_S) for _ in range(2)]
        (message,) = [value for kind, value in heard if kind == "message"]
        got = message.properties
        assert (got.ResponseTopic, got.CorrelationData) == ("answers", b"\x01\x02")
        assert got.UserProperty == [("a", "1"), ("a", "2")]
        assert got.SubscriptionIdentifier == [300]
        assert 0 < got.MessageExpiryInterval <= 60
        client.client.publish("Kuzzle/response", b"{}", 0)
        await client.next("published")
        assert (await client.next("disconnected")).getName() == "Not authorized"
        await client.stop()


async def mosquitto(program: str, stage: Stage, version: str, *arguments: str) -> list[Any]:
    """Run one of mosquitto's programs to its end and return what it printed, a JSON value a line."""
    path = find_program(program, package="mosquitto-clients")
    async with program_running(
        path, "-h", "localhost", "-p", str(stage.port), "-V", version, "-i", program[-3:], *arguments
    ) as running:
        return await running.rest()


@pytest.mark.parametrize("version", ["mqttv31", "mqttv311", "mqttv5"])
async def test_mosquitto_publishes_and_subscribes_at_every_qos(version: str) -> None:
    persistent = ("-c", "-q", "2", "-t", "news", *(("-x", "60") if version == "mqttv5" else ()))
    async with Stage({"allowPubSub": True}) as stage:
        await mosquitto("mosquitto_pub", stage, version, "-t", "news", "-m", '"retained"', "-r")
        assert await mosquitto("mosquitto_sub", stage, version, *persistent, "-C", "1") == ["retained"]
        for qos in ("1", "2"):
            await mosquitto("mosquitto_pub", stage, version, "-t", "news", "-m", f'"at {qos}"', "-q", qos)
        # Subscribing again brings the retained message again.
        heard = await mosquitto("mosquitto_sub", stage, version, *persistent, "-C", "3")
        assert sorted(heard) == ["at 1", "at 2", "retained"]


async def test_mosquitto_asks_and_prints_the_answer() -> None:
    async with Stage() as stage:
        (answer,) = await mosquitto(
            *("mosquitto_rr", stage, "mqttv5", "-t", "Kuzzle/request", "-e", "Kuzzle/response", "-m", REQUEST)
        )
        assert answer["requestId"] == "one"


@pytest.mark.parametrize("version", ["3", "4", "5"])
async def test_mqtt_js_asks_publishes_and_subscribes(version: str) -> None:
    async with Stage({"allowPubSub": True}) as stage:
        (heard,) = await node("mqtt_client.js", str(stage.port), version)
        news = sorted((qos, text) for topic, qos, text in heard if topic == "news")
        assert news == [(0, "at 0"), (1, "at 1"), (2, "at 2")]
        (answer,) = [json.loads(text) for topic, _, text in heard if topic == "Kuzzle/response"]
        assert answer["requestId"] == "one"
