import { sql } from 'kysely'
import type { Database, Db } from '../../db/database.ts'
import { readSpan, saveCheckpoint, takeMark } from './ledger-checkpoint.ts'
import type { VerifyCheck } from './verify-check.ts'
import { VERIFY_CHECKS } from './verify-checks.ts'
import { readScope, type VerifyScope } from './verify-scope.ts'

export interface VerifiedCheck {
  readonly name: string
  readonly ok: boolean
  /** The first of them, a line each. */
  readonly breaches: readonly string[]
  /** How many there are. */
  readonly count: number
}

export interface Verification {
  readonly ok: boolean
  /** Whether everything was looked at, or only what was written since the last run. */
  readonly all: boolean
  readonly checks: readonly VerifiedCheck[]
}

const BREACHES_MAX = 20

/**
 * Checks the books against themselves, in one snapshot that blocks nobody. Goes on from where the
 * last run that found nothing ended, or looks at `all`; the first run and the first one after a
 * restore look at all. A row that was right and is tampered with later is found where it carries
 * a running figure or changes after the checkpoint; an old transfer only with `all`.
 */
export async function verifyLedger(database: Database, o: { all: boolean }): Promise<Verification> {
  const mark = await takeMark(database)
  const { span, checks } = await database.snapshot(async (db) => {
    await beModest(db)
    const span = await readSpan(db, { mark, all: o.all })
    const scope = await readScope(db, span)
    const checks: VerifiedCheck[] = []
    for (const check of VERIFY_CHECKS) checks.push(await run(db, check, scope))
    return { span, checks }
  })
  const ok = checks.every((check) => check.ok)
  if (ok) await saveCheckpoint(database, span)
  return { ok, all: span.base === null, checks }
}

/** One processor at most is taken from those who work, and memory is bounded: the rest spills. */
async function beModest(db: Db): Promise<void> {
  await sql`set local max_parallel_workers_per_gather = 0`.execute(db)
  await sql`set local jit = off`.execute(db)
  await sql`set local work_mem = '32MB'`.execute(db)
}

async function run(db: Db, check: VerifyCheck, scope: VerifyScope): Promise<VerifiedCheck> {
  const { rows } = await sql<{ breach: string; total: bigint }>`
    select breach, count(*) over () as total from (${check.breaches(scope)}) found
    limit ${BREACHES_MAX}`.execute(db)
  return {
    name: check.name,
    ok: rows.length === 0,
    breaches: rows.map((row) => row.breach),
    count: Number(rows[0]?.total ?? 0n),
  }
}
