import { pino } from 'pino'

/** Where PostgreSQL repeats the values of a row that it did not take: a customer's, or a key's. */
const VALUES = ['detail', 'where', 'internalQuery', 'hint'] as const

/** An error as the log has it: all but the values of rows. */
export function loggedError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const logged: Record<string, unknown> = { ...pino.stdSerializers.err(error) }
  if ('severity' in error) for (const name of VALUES) delete logged[name]
  return logged
}
