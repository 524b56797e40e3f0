/** Errors that the caller of a service may see. */

/**
 * Which side is at fault, a stable code (lower case and dashes: `order-unknown`) and a text. Throw one of its kinds:
 * `Reject`, `InvalidInput`, `RetryAfter`, `Fail`. One that an invoked service threw may be thrown on.
 */
export class Fault extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {{status?: number, errors?: {path: string, message: string}[]}} more `status` is a 4xx of the service's own
   * choice, used with `Reject` only; the paths of `errors` are JSON Pointers (RFC 6901) into the input.
   */
  constructor(code, message, { status, errors = [] } = {}) {
    super(message);
    this.name = new.target.name;
    this.code = code;
    this.status = status;
    this.errors = errors;
  }

  get disposition() {
    return { tag: 'fail' };
  }

  /** As the contract has it. */
  toBus() {
    const { disposition, status, code, message, errors } = this;
    return { disposition, status, code, message, errors };
  }
}

/** The request is at fault; sending it again is useless: HTTP 400, or another 4xx by `status`. */
export class Reject extends Fault {
  get disposition() {
    return { tag: 'reject' };
  }
}

/** The input is not valid: `new InvalidInput([{ path: '/name', message: 'is empty' }])`. */
export class InvalidInput extends Reject {
  constructor(errors) {
    super('invalid-input', 'the input is not valid', { errors });
  }
}

/** Nobody is at fault, the time is: HTTP 503 with `Retry-After`. */
export class RetryAfter extends Fault {
  constructor(seconds, message, { code = 'unavailable' } = {}) {
    super(code, message);
    this.seconds = seconds;
  }

  get disposition() {
    return { tag: 'retry-after', val: this.seconds };
  }
}

/** The service is at fault: HTTP 500. The message is for the log; the caller sees a general one. */
export class Fail extends Fault {
  constructor(message, { code = 'failed' } = {}) {
    super(code, message);
  }
}

/** The fault of a service that was invoked, or of the bus. */
export function received({ disposition, status, code, message, errors }) {
  switch (disposition.tag) {
    case 'reject':
      return new Reject(code, message, { status, errors });
    case 'retry-after':
      return new RetryAfter(disposition.val, message, { code });
    default:
      return new Fail(message, { code });
  }
}

/**
 * Calls the bus, and throws `translate` of its refusal.
 * @template T
 * @param {() => T} call
 * @param {(refusal: any) => Error} translate
 * @returns {T}
 */
export function tried(call, translate = received) {
  try {
    return call();
  } catch (error) {
    throw Object.hasOwn(error, 'payload') ? translate(error.payload) : error;
  }
}
