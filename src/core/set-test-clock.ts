import { sql } from 'kysely'
import type { Operation } from './operation.ts'
import { invalidField } from './refusal.ts'

/**
 * Sets the time that all processes go by; it moves on from there. What is stored is the moment at
 * which it was set too, so that everybody computes the same offset. `now`: ISO 8601.
 */
export const setTestClock: Operation<{ now: string }, { now: string }> = {
  name: 'test_clock.set',
  permission: 'operator',
  async run({ tx, record }, input) {
    const time = new Date(input.now)
    if (
      Number.isNaN(time.getTime()) ||
      time.getUTCFullYear() < 2000 ||
      time.getUTCFullYear() > 2200
    ) {
      throw invalidField('/now', 'must be an instant such as 2026-01-31T10:00:00Z')
    }
    await sql`
      update installation
      set test_clock_now = ${time}, test_clock_set_at = clock_timestamp()`.execute(tx)
    record({ kind: 'test_clock.set', subjectId: 0n, accountId: null })
    return { now: time.toISOString() }
  },
}
