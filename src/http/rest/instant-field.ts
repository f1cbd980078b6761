import { invalidField } from '../../core/refusal.ts'

const SHAPE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/
const YEAR_MIN = 2000
const YEAR_MAX = 2200

/** An instant as ISO 8601 with its offset; else refused. */
export function readInstant(text: string, pointer: string): Date {
  const instant = new Date(text)
  const year = instant.getUTCFullYear()
  if (!SHAPE.test(text) || !(year >= YEAR_MIN && year <= YEAR_MAX)) {
    throw invalidField(pointer, 'must be an instant such as 2026-01-31T10:00:00Z')
  }
  return instant
}
