import assert from 'node:assert/strict'
import { verifyLedger } from '../../src/core/ledger/verify-ledger.ts'
import type { Database } from '../../src/db/database.ts'

/** Proves what the ledger and billing promise; a check that is broken is named in the failure. */
export async function assertVerified(database: Database, o = { all: true }): Promise<void> {
  const { checks } = await verifyLedger(database, o)
  assert.deepEqual(
    checks.filter((check) => !check.ok),
    [],
  )
}
