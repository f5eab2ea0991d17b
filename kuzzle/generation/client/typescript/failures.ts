// What a call may throw: the server's refusals (KuzzleError) and what went wrong on the way (ClientError).

/** An error as the server sends it. */
export interface ErrorContent {
  message?: string;
  status?: number;
  id?: string;
  code?: number;
  errors?: unknown[];
}

/** The server refused. `errors.ts` has a class for each status, and below it one for each id. */
export class KuzzleError extends Error {
  /** HTTP status. */
  readonly status: number;
  /** `<domain>.<subdomain>.<name>`; undefined where the server's table of errors has no entry. */
  readonly id: string | undefined;
  /** Number of the id. */
  readonly code: number | undefined;

  constructor(
    /** The error as the server sent it. */
    readonly content: ErrorContent,
    /** What the server gave beside the error; mostly null. */
    readonly result: unknown = null,
  ) {
    super(content.message ?? '');
    this.name = new.target.name;
    this.status = content.status ?? 500;
    this.id = content.id;
    this.code = content.code;
  }
}

/** Parts of the request failed (status 206); `result` is what the others gave. */
export class PartialError extends KuzzleError {
  /** One entry for each part that failed. */
  get errors(): unknown[] {
    return this.content.errors ?? [];
  }
}

/** No answer of the server: something went wrong on the way to it. */
export class ClientError extends Error {
  constructor(message: string) {
    super(message);
    this.name = new.target.name;
  }
}

/** There is no connection, or it ended before the answer came: the server may have done what was asked. */
export class ConnectionLostError extends ClientError {}

/** No answer came in time: the server may still do what was asked. */
export class RequestTimeoutError extends ClientError {}

/** Too many requests wait for the connection to come back, or for their answers; this one was not sent. */
export class TooManyWaitingError extends ClientError {}

/** A subscription was ended because too many notifications waited to be read. */
export class SubscriberTooSlowError extends ClientError {}

/** A subscription was ended because the time of its token is over. */
export class TokenExpiredError extends ClientError {}

/** HTTP does not lead to this action; a WebSocket does. */
export class NoRouteError extends ClientError {}

/** What answered does not speak as a Kuzzle server does. */
export class UnreadableAnswerError extends ClientError {}
