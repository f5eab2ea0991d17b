// What every way to a server offers.

import type { ErrorContent } from './failures.js';

/** The envelope of a response. */
export interface Answer {
  requestId?: string;
  room?: string;
  status?: number;
  error: ErrorContent | null;
  result: unknown;
}

/** One request. Arguments that are undefined or null are left out. */
export interface Call {
  readonly controller: string;
  readonly action: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  readonly volatile: object | undefined;
  readonly jwt: string | undefined;
}

/** How a request is sent: before subscriptions are restored, and who hears the answer before what came after it. */
export interface Sending {
  urgent?: boolean;
  heard?: (answer: Answer) => void;
}

/** A way to a server. What it throws are ClientErrors. */
export interface Transport {
  /** Whether a request would leave at once. */
  readonly isConnected: boolean;
  open(): Promise<void>;
  close(): void;
  send(call: Call, sending?: Sending): Promise<Answer>;
}
