// Requests over a WebSocket that comes back by itself. When the connection is lost:
//
// - requests under way end with ConnectionLostError: whether the server did them is unknown, and nothing is sent twice;
// - requests made meanwhile wait, at most `maxWaiting` of them and each no longer than its time-out;
// - the client tries again until it is closed, after pauses that double from `firstPauseMs` to `longestPauseMs`, each
//   shortened by chance, so that the clients of a server that restarts do not come all at once;
// - subscriptions are made again before waiting requests are sent.

import { ConnectionLostError, RequestTimeoutError, TooManyWaitingError } from './failures.js';
import type { Answer, Call, Sending, Transport } from './transport.js';

export interface WebSocketSettings {
  timeoutMs: number;
  maxWaiting: number;
  maxPending: number;
  firstPauseMs: number;
  longestPauseMs: number;
  heartbeatMs: number;
}

interface Pending {
  id: string;
  text: string;
  heard: ((answer: Answer) => void) | undefined;
  resolve: (answer: Answer) => void;
  reject: (error: Error) => void;
}

type WebSocketClass = new (url: string) => WebSocket;

export class WebSocketTransport implements Transport {
  /** Called with each notification. */
  notified: (message: Record<string, unknown>) => void = () => undefined;
  /** Called when the connection ended. */
  lost: () => void = () => undefined;
  /** Called when it is back; requests wait for its end. */
  restored: () => Promise<void> = async () => undefined;

  #socket: WebSocket | undefined;
  #isReady = false;
  #isOpen = false;
  #lastHeard = 0;
  #heartbeat: ReturnType<typeof setInterval> | undefined;
  #wake: () => void = () => undefined;
  readonly #answers = new Map<string, Pending>();
  readonly #waiting = new Set<Pending>();
  readonly #prefix = Math.random().toString(36).slice(2);
  #number = 0;

  constructor(readonly url: string, readonly settings: WebSocketSettings) {}

  get isConnected(): boolean {
    return this.#isReady;
  }

  async open(): Promise<void> {
    if (this.#isOpen) return;
    this.#isOpen = true;
    try {
      await this.#connect();
    } catch (error) {
      this.#isOpen = false;
      throw error;
    }
    this.#isReady = true;
  }

  close(): void {
    this.#isOpen = this.#isReady = false;
    const socket = this.#forgetSocket();
    socket?.close(1000);
    this.#wake();
    this.#fail([...this.#answers.values(), ...this.#waiting], 'the client was closed');
  }

  send(call: Call, sending: Sending = {}): Promise<Answer> {
    const id = `${this.#prefix}-${this.#number++}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const name = `${call.controller}:${call.action}`;
        pending.reject(new RequestTimeoutError(`${name}: no answer within ${this.settings.timeoutMs} ms`));
      }, this.settings.timeoutMs);
      const settle = () => {
        clearTimeout(timer);
        this.#answers.delete(id);
        this.#waiting.delete(pending);
      };
      const pending: Pending = {
        id,
        text: '',
        heard: sending.heard,
        resolve: answer => {
          settle();
          resolve(answer);
        },
        reject: error => {
          settle();
          reject(error);
        },
      };
      try {
        pending.text = message(call, id);
        this.#start(pending, sending.urgent ?? false);
      } catch (error) {
        pending.reject(error as Error);
      }
    });
  }

  #start(pending: Pending, isUrgent: boolean): void {
    if (isUrgent || this.#isReady) {
      this.#dispatch(pending);
    } else if (!this.#isOpen) {
      throw new ConnectionLostError('the client is not connected');
    } else if (this.#waiting.size >= this.settings.maxWaiting) {
      throw new TooManyWaitingError(`${this.#waiting.size} requests wait for the connection already`);
    } else {
      this.#waiting.add(pending);
    }
  }

  #dispatch(pending: Pending): void {
    if (this.#socket === undefined || this.#socket.readyState !== 1) {
      pending.reject(new ConnectionLostError(`the connection to ${this.url} is lost`));
      return;
    }
    if (this.#answers.size >= this.settings.maxPending) {
      pending.reject(new TooManyWaitingError(`${this.#answers.size} requests wait for their answers already`));
      return;
    }
    this.#answers.set(pending.id, pending);
    this.#socket.send(pending.text);
  }

  async #connect(): Promise<void> {
    const make = await webSocketClass();
    const socket = await new Promise<WebSocket>((resolve, reject) => {
      const made = new make(this.url);
      const refuse = () => {
        clearTimeout(timer);
        reject(new ConnectionLostError(`cannot reach ${this.url}`));
      };
      const timer = setTimeout(() => {
        refuse();
        made.close();
      }, this.settings.timeoutMs);
      made.onopen = () => {
        clearTimeout(timer);
        resolve(made);
      };
      made.onerror = made.onclose = refuse;
    });
    if (!this.#isOpen) {
      socket.close(1000);
      throw new ConnectionLostError('the client was closed');
    }
    this.#socket = socket;
    this.#lastHeard = Date.now();
    socket.onmessage = event => this.#hear(String(event.data));
    socket.onerror = () => undefined; // its close follows
    socket.onclose = () => this.#end();
    // A browser cannot send pings: a cheap request is one. Any message is a sign of life.
    this.#heartbeat = setInterval(() => this.#beat(socket), this.settings.heartbeatMs);
  }

  #beat(socket: WebSocket): void {
    const silenceMs = Date.now() - this.#lastHeard;
    if (silenceMs > 2 * this.settings.heartbeatMs) {
      socket.onclose = null; // a peer that is gone would keep it waiting
      socket.close();
      this.#end();
    } else if (silenceMs >= this.settings.heartbeatMs / 2 && socket.readyState === 1) {
      socket.send(JSON.stringify({ controller: 'server', action: 'now', requestId: `${this.#prefix}-alive` }));
    }
  }

  #end(): void {
    this.#isReady = false;
    this.#forgetSocket();
    this.#fail([...this.#answers.values()], `the connection to ${this.url} is lost`);
    if (!this.#isOpen) return;
    this.lost();
    void this.#comeBack();
  }

  async #comeBack(): Promise<void> {
    let pauseMs = this.settings.firstPauseMs;
    for (;;) {
      await this.#pause(pauseMs * (0.5 + Math.random() / 2));
      if (!this.#isOpen) return;
      try {
        await this.#connect();
        break;
      } catch {
        pauseMs = Math.min(2 * pauseMs, this.settings.longestPauseMs);
      }
    }
    const socket = this.#socket;
    await this.restored();
    if (!this.#isOpen || socket === undefined || this.#socket !== socket) return; // lost again: another try is under way
    this.#isReady = true;
    for (const pending of [...this.#waiting]) {
      this.#waiting.delete(pending);
      this.#dispatch(pending);
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #hear(text: string): void {
    this.#lastHeard = Date.now();
    let message: Record<string, unknown>;
    try {
      message = JSON.parse(text) as Record<string, unknown>;
    } catch {
      this.#socket?.close(); // no server of this protocol, or a broken one: another connection may do better
      return;
    }
    if ('type' in message) { // only notifications have one
      this.notified(message);
      return;
    }
    const answer = message as unknown as Answer;
    const pending = this.#answers.get(answer.requestId ?? answer.room ?? '');
    pending?.heard?.(answer);
    pending?.resolve(answer);
  }

  #forgetSocket(): WebSocket | undefined {
    clearInterval(this.#heartbeat);
    const socket = this.#socket;
    if (socket !== undefined) socket.onmessage = socket.onclose = null;
    this.#socket = undefined;
    return socket;
  }

  #fail(requests: Pending[], reason: string): void {
    for (const pending of requests) pending.reject(new ConnectionLostError(reason));
  }
}

/** Return the WebSocket of the browser, or that of the package `ws` where there is none (Node before 22). */
async function webSocketClass(): Promise<WebSocketClass> {
  if (typeof WebSocket !== 'undefined') return WebSocket;
  const name = 'ws'; // by a variable: bundlers and compilers need not have it
  const module = (await import(name)) as { WebSocket: WebSocketClass };
  return module.WebSocket;
}

function message(call: Call, requestId: string): string {
  const given = Object.entries(call.args).filter(([, value]) => value !== undefined && value !== null);
  const { controller, action, body, volatile, jwt } = call;
  return JSON.stringify({ ...Object.fromEntries(given), controller, action, requestId, body, volatile, jwt });
}
