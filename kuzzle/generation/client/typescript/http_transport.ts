// Requests over HTTP: each stands for itself, and there are no notifications.

import {
  ConnectionLostError,
  NoRouteError,
  RequestTimeoutError,
  UnreadableAnswerError,
  type ErrorContent,
} from './failures.js';
import type { Answer, Call, Sending, Transport } from './transport.js';

/** `controller:action` to the verbs and paths that lead there; paths have `{name}` placeholders. */
export type Routes = Readonly<Record<string, ReadonlyArray<readonly [verb: string, path: string]>>>;

export class HttpTransport implements Transport {
  readonly #url: string;
  #isOpen = false;

  constructor(url: string, readonly routes: Routes, readonly timeoutMs: number) {
    this.#url = url.replace(/\/+$/, '');
  }

  get isConnected(): boolean {
    return this.#isOpen;
  }

  /** Make ready; nothing is sent yet. */
  async open(): Promise<void> {
    this.#isOpen = true;
  }

  close(): void {
    this.#isOpen = false;
  }

  async send(call: Call, sending: Sending = {}): Promise<Answer> {
    if (!this.#isOpen) throw new ConnectionLostError('the client is not open');
    const [verb, target] = targetOf(call, this.routes);
    const headers: Record<string, string> = { Accept: 'application/json' };
    let body: string | undefined;
    if (call.body !== undefined && call.body !== null) {
      headers['Content-Type'] = 'application/json';
      body = JSON.stringify(call.body);
    }
    if (call.jwt !== undefined) headers['Authorization'] = `Bearer ${call.jwt}`;
    if (call.volatile !== undefined) headers['x-kuzzle-volatile'] = ascii(JSON.stringify(call.volatile));
    const signal = AbortSignal.timeout(this.timeoutMs);
    let text: string;
    let status: number;
    try {
      const response = await fetch(this.#url + target, { method: verb, headers, body: body ?? null, signal });
      status = response.status;
      text = await response.text();
    } catch (error) {
      if (signal.aborted) {
        const name = `${call.controller}:${call.action}`;
        throw new RequestTimeoutError(`${name}: no answer within ${this.timeoutMs} ms`);
      }
      throw new ConnectionLostError(`${this.#url}: ${String(error)}`);
    }
    const answer = read(text, status);
    sending.heard?.(answer);
    return answer;
  }
}

/**
 * Return verb and path (query string included) of a call: of several routes the one whose placeholders use most
 * arguments, and which does not GET a body where another does not; then the first.
 */
export function targetOf(call: Call, routes: Routes): [verb: string, target: string] {
  const given = new Map(Object.entries(call.args).filter(([, value]) => value !== undefined && value !== null));
  const hasBody = call.body !== undefined && call.body !== null;
  const rank = ([verb, path]: readonly [string, string]) =>
    2 * placeholders(path).length + (hasBody && verb === 'GET' ? 0 : 1);
  const [best] = (routes[`${call.controller}:${call.action}`] ?? [])
    .filter(([, path]) => placeholders(path).every(name => given.has(name)))
    .sort((left, right) => rank(right) - rank(left));
  if (best === undefined) {
    throw new NoRouteError(`HTTP does not lead to ${call.controller}:${call.action} with these arguments`);
  }
  const path = best[1].replace(/\{([^}]+)\}/g, (_, name: string) => {
    const value = encodeURIComponent(String(given.get(name)));
    given.delete(name);
    return value;
  });
  const query = [...given].flatMap(([name, value]) => pairs(name, value)).join('&');
  return [best[0], query === '' ? path : `${path}?${query}`];
}

function placeholders(path: string): string[] {
  return [...path.matchAll(/\{([^}]+)\}/g)].map(match => match[1] as string);
}

/** Return an argument as texts: a flag that is not set is left out, a list is a repeated name. */
function pairs(name: string, value: unknown): string[] {
  if (value === false) return [];
  const values: unknown[] = Array.isArray(value) ? value : [value];
  return values.map(each => `${encodeURIComponent(name)}=${encodeURIComponent(String(each))}`);
}

/** Return an envelope; an error that came without one gets one. */
function read(text: string, status: number): Answer {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    content = undefined;
  }
  if (typeof content === 'object' && content !== null) {
    if ('requestId' in content) return content as Answer;
    if ('message' in content) return { status, error: { status, ...(content as ErrorContent) }, result: null };
  }
  throw new UnreadableAnswerError(`status ${status}, no envelope: ${text.slice(0, 200)}`);
}

function ascii(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
