// What controllers ask through: the token, the errors and the subscriptions of one client.

import { ConnectionLostError, KuzzleError, NoRouteError, TokenExpiredError, type ErrorContent } from './failures.js';
import { HttpTransport, type Routes } from './http_transport.js';
import { Subscription } from './subscription.js';
import type { Answer, Call, Sending, Transport } from './transport.js';
import { WebSocketTransport } from './websocket_transport.js';

export type Event = 'lost' | 'restored' | 'tokenExpired';
export type ErrorClass = new (content: ErrorContent, result: unknown) => KuzzleError;

/** What `client.ts` knows of the server. */
export interface Knowledge {
  routes: Routes;
  errorsById: Readonly<Record<string, ErrorClass>>;
  errorsByStatus: Readonly<Record<number, ErrorClass>>;
}

export interface Options {
  /** A token to begin with; `auth.login` gets one, `auth.logout` and the end of its life take it away. */
  jwt?: string;
  /** How long to wait for an answer, the connection included: 30 s. */
  timeoutMs?: number;
  /** How many requests may wait while a WebSocket is lost: 1,000. */
  maxWaiting?: number;
  /** How many requests may wait for their answers on a WebSocket: 10,000. */
  maxPending?: number;
  /** How many notifications of a subscription may wait to be read: 10,000. */
  maxQueue?: number;
  /** Pauses before a WebSocket is tried again: from 100 ms to 10 s. */
  firstPauseMs?: number;
  longestPauseMs?: number;
  /** After so long a silence a WebSocket is asked for a sign of life: 20 s. */
  heartbeatMs?: number;
}

// What a request must not be refused for: an old token (it is these that get or examine another).
const WITHOUT_TOKEN = new Set(['auth:login', 'auth:checkToken']);
const TOKEN_REFUSED = new Set(['security.token.expired', 'security.token.invalid']);

/** A way to a server, by the scheme of its URL: `ws:` and `wss:` a WebSocket, `http:` and `https:` HTTP. */
export class Connection {
  /** The token that requests bring. */
  jwt: string | undefined;

  readonly #knowledge: Knowledge;
  readonly #maxQueue: number;
  readonly #transport: Transport;
  readonly #subscriptions = new Set<Subscription<unknown>>();
  readonly #listeners: Record<Event, Array<() => void>> = { lost: [], restored: [], tokenExpired: [] };

  constructor(url: string, knowledge: Knowledge, options: Options = {}) {
    this.jwt = options.jwt;
    this.#knowledge = knowledge;
    this.#maxQueue = options.maxQueue ?? 10_000;
    const timeoutMs = options.timeoutMs ?? 30_000;
    const scheme = new URL(url).protocol;
    if (scheme === 'ws:' || scheme === 'wss:') {
      const transport = new WebSocketTransport(url, {
        timeoutMs,
        maxWaiting: options.maxWaiting ?? 1000,
        maxPending: options.maxPending ?? 10_000,
        firstPauseMs: options.firstPauseMs ?? 100,
        longestPauseMs: options.longestPauseMs ?? 10_000,
        heartbeatMs: options.heartbeatMs ?? 20_000,
      });
      transport.notified = message => this.#notified(message);
      transport.lost = () => this.#tell('lost');
      transport.restored = () => this.#restored();
      this.#transport = transport;
    } else if (scheme === 'http:' || scheme === 'https:') {
      this.#transport = new HttpTransport(url, knowledge.routes, timeoutMs);
    } else {
      throw new TypeError(`${url}: expected ws, wss, http or https`);
    }
  }

  /** Connect; throws ConnectionLostError when nobody answers. */
  open(): Promise<void> {
    return this.#transport.open();
  }

  /** Disconnect; subscriptions end. */
  close(): void {
    for (const subscription of this.#subscriptions) subscription.end();
    this.#subscriptions.clear();
    this.#transport.close();
  }

  /** Whether a request would leave at once. */
  get isConnected(): boolean {
    return this.#transport.isConnected;
  }

  /** Call a function when the WebSocket is lost or restored, or the token has expired. */
  on(event: Event, listener: () => void): void {
    this.#listeners[event].push(listener);
  }

  /**
   * Run an action and return its result; controllers have a typed method for each. Throws a KuzzleError where the
   * server refuses, a ClientError where there is no answer.
   */
  async request(
    controller: string,
    action: string,
    args: Readonly<Record<string, unknown>> = {},
    body?: unknown,
    volatile?: object,
  ): Promise<unknown> {
    const call = this.#call(controller, action, args, body, volatile);
    const result = this.#result(call, await this.#transport.send(call));
    if (controller === 'auth') this.#followLogin(call, result);
    return result;
  }

  /** Run an action that opens a channel, and return what comes through it. */
  async stream<Notification>(
    controller: string,
    action: string,
    args: Readonly<Record<string, unknown>>,
    body?: unknown,
    volatile?: object,
  ): Promise<Subscription<Notification>> {
    if (this.#transport instanceof HttpTransport) {
      throw new NoRouteError(`HTTP does not lead to ${controller}:${action}`);
    }
    const call = this.#call(controller, action, args, body, volatile);
    const subscription = new Subscription<unknown>(call, this.#maxQueue, each => this.#leave(each));
    await this.#follow(subscription);
    return subscription as Subscription<Notification>;
  }

  #call(
    controller: string,
    action: string,
    args: Readonly<Record<string, unknown>>,
    body: unknown,
    volatile: object | undefined,
  ): Call {
    const jwt = WITHOUT_TOKEN.has(`${controller}:${action}`) ? undefined : this.jwt;
    return { controller, action, args, body, volatile, jwt };
  }

  #result(call: Call, answer: Answer): unknown {
    const content = answer.error;
    if (content === null || content === undefined) return answer.result;
    if (TOKEN_REFUSED.has(content.id ?? '')) this.#tokenExpired(call.jwt);
    const byStatus = this.#knowledge.errorsByStatus[content.status ?? answer.status ?? 500] ?? KuzzleError;
    const kind = this.#knowledge.errorsById[content.id ?? ''] ?? byStatus;
    throw new kind(content, answer.result);
  }

  #followLogin(call: Call, result: unknown): void {
    if (call.action === 'login' || call.action === 'refreshToken') {
      const jwt = (result as { jwt?: unknown } | null)?.jwt;
      if (typeof jwt !== 'string') return;
      this.jwt = jwt;
      if (call.action === 'login') return;
      for (const each of this.#subscriptions) { // the server carries those of the old token on
        if (each.call.jwt === call.jwt) each.call = { ...each.call, jwt };
      }
    } else if (call.action === 'logout') {
      this.jwt = undefined;
      for (const subscription of this.#subscriptions) {
        if (subscription.call.jwt === call.jwt) this.#drop(subscription);
      }
    }
  }

  #tokenExpired(jwt: string | undefined): void {
    if (jwt === undefined || jwt !== this.jwt) return;
    this.jwt = undefined;
    this.#tell('tokenExpired');
  }

  /** Subscribe; notifications may come right behind the answer. */
  async #follow(subscription: Subscription<unknown>, sending: Sending = {}): Promise<void> {
    const heard = (answer: Answer): void => {
      if (answer.error !== null || answer.result === null) return;
      subscription.place(answer.result as { roomId: string; channel: string });
      this.#subscriptions.add(subscription);
    };
    this.#result(subscription.call, await this.#transport.send(subscription.call, { ...sending, heard }));
  }

  /** Subscribe again to everything, as who the client is now. */
  async #restored(): Promise<void> {
    for (const subscription of [...this.#subscriptions]) {
      subscription.channel = '';
      if (subscription.call.jwt !== undefined) subscription.call = { ...subscription.call, jwt: this.jwt };
      try {
        await this.#follow(subscription, { urgent: true });
      } catch (error) {
        if (error instanceof ConnectionLostError) return; // the next connection restores them
        this.#drop(subscription, error as Error);
      }
    }
    this.#tell('restored');
  }

  #notified(message: Record<string, unknown>): void {
    for (const subscription of [...this.#subscriptions]) {
      if (subscription.channel !== message['room']) continue;
      subscription.take(message);
      if (message['type'] === 'TokenExpired') {
        this.#drop(subscription, new TokenExpiredError(String(message['message'] ?? '')));
        this.#tokenExpired(subscription.call.jwt);
      } else if (subscription.isEnded) { // it reads too slowly
        void this.#leave(subscription);
      }
    }
  }

  #drop(subscription: Subscription<unknown>, failure?: Error): void {
    this.#subscriptions.delete(subscription);
    subscription.end(failure);
  }

  /** Tell the server, unless another subscription needs the same room (leaving it leaves all its channels). */
  async #leave(subscription: Subscription<unknown>): Promise<void> {
    this.#subscriptions.delete(subscription);
    if (!this.isConnected || [...this.#subscriptions].some(each => each.roomId === subscription.roomId)) return;
    const { jwt } = subscription.call;
    const body = { roomId: subscription.roomId };
    try {
      await this.#transport.send({ controller: 'realtime', action: 'unsubscribe', args: {}, body, volatile: undefined, jwt });
    } catch {
      return; // the server forgets who is gone
    }
  }

  #tell(event: Event): void {
    for (const listener of this.#listeners[event]) queueMicrotask(listener); // what it throws must not end the connection
  }
}

/** A group of actions. */
export class Controller {
  constructor(protected readonly connection: Connection) {}
}
