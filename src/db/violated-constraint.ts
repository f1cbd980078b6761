const INTEGRITY_CLASS = '23'

/** The name of the constraint or unique index that the database refused a statement for. */
export function violatedConstraint(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { code, constraint } = error as { code?: unknown; constraint?: unknown }
  const integrity = typeof code === 'string' && code.startsWith(INTEGRITY_CLASS)
  return integrity && typeof constraint === 'string' ? constraint : undefined
}
