/**
 * The numbers of Purser's advisory locks: all in one place, since two of one number would wait for
 * each other. The function place_orders knows `epoch` too.
 */
export const ADVISORY_LOCKS = {
  /** Held for the whole of a migration, so that processes that start together queue. */
  migration: 7077,
  /**
   * Held while an epoch moves. Placing orders holds it shared, so that an order is either before
   * the change or sees it.
   */
  epoch: 7078,
  /** With a hash beside it: an operator's idempotency key. */
  operatorKey: 7079,
  /** Held while verification keeps what it has proved. */
  checkpoint: 7080,
  /** Held while the demo is made, so that of two processes that start together one makes it. */
  demo: 7081,
  /** Held by the one process that makes out and pays renewals, while it is at it. */
  renewals: 7082,
} as const
