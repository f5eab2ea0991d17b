// A subscription: notifications as an asynchronous iterator or by a callback, for as long as the client lives.

import { SubscriberTooSlowError } from './failures.js';
import type { Call } from './transport.js';

interface Reader<Notification> {
  resolve: (result: IteratorResult<Notification, undefined>) => void;
  reject: (error: Error) => void;
}

/**
 * Notifications of one subscription, in the order they came: `for await (const notification of subscription)`, or
 * `subscription.listen(notification => ...)`. Leaving the loop does not end the subscription, `close()` does.
 *
 * It outlives lost connections: the client subscribes again, and what happened meanwhile is not told. The iteration ends
 * when the subscription is closed or the client logs out, and throws
 *
 * - TokenExpiredError after the notification that says so;
 * - SubscriberTooSlowError after `maxQueue` notifications, when more waited than that;
 * - the KuzzleError with which the server refused to subscribe again.
 */
export class Subscription<Notification> implements AsyncIterable<Notification> {
  /** As the server named them, at the last connection. */
  roomId = '';
  channel = '';

  readonly #arrived: Notification[] = [];
  readonly #readers: Reader<Notification>[] = [];
  #isEnded = false;
  #failure: Error | undefined;

  constructor(
    public call: Call,
    readonly maxQueue: number,
    readonly leave: (subscription: Subscription<Notification>) => Promise<void>,
  ) {}

  /** Whether nothing more will arrive. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  [Symbol.asyncIterator](): AsyncIterator<Notification, undefined> {
    return { next: () => this.next() };
  }

  /** Return the next notification. */
  next(): Promise<IteratorResult<Notification, undefined>> {
    const first = this.#arrived.shift();
    if (first !== undefined) return Promise.resolve({ done: false, value: first });
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#isEnded) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }

  /** Call a function with each notification; the promise ends as an iteration would. */
  async listen(callback: (notification: Notification) => void): Promise<void> {
    for await (const notification of this) callback(notification);
  }

  /** Unsubscribe; what has arrived can still be read. */
  async close(): Promise<void> {
    if (this.#isEnded) return;
    this.end();
    await this.leave(this);
  }

  /** Note where the server sends the notifications. */
  place(result: { roomId: string; channel: string }): void {
    this.roomId = result.roomId;
    this.channel = result.channel;
  }

  /** Queue a notification. */
  take(notification: Notification): void {
    if (this.#isEnded) return;
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader.resolve({ done: false, value: notification });
    } else if (this.#arrived.length >= this.maxQueue) {
      this.end(new SubscriberTooSlowError(`${this.maxQueue} notifications waited to be read`));
    } else {
      this.#arrived.push(notification);
    }
  }

  /** Let the iteration end once all that has arrived is read. */
  end(failure?: Error): void {
    this.#isEnded = true;
    this.#failure = failure;
    for (const reader of this.#readers.splice(0)) {
      if (failure === undefined) reader.resolve({ done: true, value: undefined });
      else reader.reject(failure);
    }
  }
}
