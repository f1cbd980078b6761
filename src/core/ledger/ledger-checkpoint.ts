import { type RawBuilder, sql } from 'kysely'
import { ADVISORY_LOCKS } from '../../db/advisory-locks.ts'
import type { Database, Db, Tx } from '../../db/database.ts'
import { movedInSpan } from './ledger-totals.ts'

/**
 * Where verification goes on. Transfers take their numbers before they commit, so a number is
 * proof of nothing: a lower one may still be on its way. What is settled is told by transactions.
 * A mark is how far transfers are numbered and, taken after that, a transaction's number; a
 * transfer up to the mark is of an older transaction (ledger_number in the migrations sees to
 * it), so it is settled in any snapshot in which all older transactions have ended.
 */
export interface Mark {
  readonly transferId: bigint
  readonly xid: bigint
}

/** What the last run that found nothing has proved. */
export interface Checkpoint {
  /** All transfers up to this were looked at and are in ledger_checkpoint_balance. */
  readonly transferId: bigint
  /** The mark taken when that run began. */
  readonly seen: Mark
  /** Rows last written by transactions before this were looked at. */
  readonly verifiedXid: bigint
}

/** The snapshot of a run and where it begins; `base` null: from the first transfer. */
export interface VerifiedSpan {
  readonly base: Checkpoint | null
  readonly mark: Mark
  /** The oldest transaction that the snapshot does not see the end of. */
  readonly xmin: bigint
  readonly restoreEpoch: number
}

/** An xid wraps around at 2^32, and rows carry no more of it: half of that can be told apart. */
const COMPARABLE_XIDS = 2_000_000_000n

/** Taken before the run's snapshot, in a transaction of its own. */
export async function takeMark(database: Database): Promise<Mark> {
  return await database.transaction(async (tx) => {
    const numbered = await one(
      tx,
      sql<{ id: bigint }>`select coalesce(pg_sequence_last_value(
        pg_get_serial_sequence('transfer', 'id')::regclass), 0) as id`,
    )
    const own = await one(tx, sql<{ xid: string }>`select pg_current_xact_id()::text as xid`)
    return { transferId: numbered.id, xid: BigInt(own.xid) }
  })
}

/**
 * Reads, in the run's snapshot, where the last one ended. A checkpoint from before a restore, or
 * from so long ago that transaction numbers no longer tell, is void; `all` ignores it.
 */
export async function readSpan(db: Db, o: { mark: Mark; all: boolean }): Promise<VerifiedSpan> {
  const now = await one(
    db,
    sql<{
      xmin: string
      xmax: string
      restore_epoch: number
    }>`select pg_snapshot_xmin(pg_current_snapshot())::text as xmin,
      pg_snapshot_xmax(pg_current_snapshot())::text as xmax, restore_epoch from installation`,
  )
  const stored = await db.selectFrom('ledger_checkpoint').selectAll().executeTakeFirst()
  const span = {
    mark: o.mark,
    xmin: BigInt(now.xmin),
    restoreEpoch: now.restore_epoch,
  }
  if (o.all || !stored || stored.restore_epoch !== now.restore_epoch) return { ...span, base: null }
  const base: Checkpoint = {
    transferId: stored.transfer_id,
    seen: { transferId: stored.seen_transfer_id, xid: BigInt(stored.seen_xid) },
    verifiedXid: BigInt(stored.verified_xid),
  }
  const age = BigInt(now.xmax) - base.verifiedXid
  return { ...span, base: age >= 0n && age < COMPARABLE_XIDS ? base : null }
}

/** The last transfer of which every one up to it is settled in the span's snapshot. */
export function settledTransferId(span: VerifiedSpan): bigint {
  if (span.mark.xid < span.xmin) return span.mark.transferId
  if (span.base === null) return 0n
  return span.base.seen.xid < span.xmin ? span.base.seen.transferId : span.base.transferId
}

/**
 * Keeps what a run has proved. A run that went on from a checkpoint that is no longer the stored
 * one keeps nothing: another run has kept as much, and balances must not be added twice.
 */
export async function saveCheckpoint(database: Database, span: VerifiedSpan): Promise<void> {
  await database.transaction(async (tx) => {
    await sql`select pg_advisory_xact_lock(${ADVISORY_LOCKS.checkpoint})`.execute(tx)
    if (span.base !== null) {
      const stored = await tx.selectFrom('ledger_checkpoint').select('seen_xid').executeTakeFirst()
      if (stored?.seen_xid !== String(span.base.seen.xid)) return
    } else {
      await tx.deleteFrom('ledger_checkpoint_balance').execute()
    }
    const transferId = settledTransferId(span)
    await addBalances(tx, { afterId: span.base?.transferId ?? 0n, upToId: transferId })
    await sql`
      insert into ledger_checkpoint
        (transfer_id, seen_transfer_id, seen_xid, verified_xid, restore_epoch, taken_at)
      values (${transferId}, ${span.mark.transferId}, ${String(span.mark.xid)}::xid8,
        ${String(span.xmin)}::xid8, ${span.restoreEpoch}, now())
      on conflict (only_row) do update set transfer_id = excluded.transfer_id,
        seen_transfer_id = excluded.seen_transfer_id, seen_xid = excluded.seen_xid,
        verified_xid = excluded.verified_xid, restore_epoch = excluded.restore_epoch,
        taken_at = excluded.taken_at`.execute(tx)
  })
}

async function addBalances(tx: Tx, span: { afterId: bigint; upToId: bigint }): Promise<void> {
  await sql`
    insert into ledger_checkpoint_balance as kept (ledger_account_id, debits, credits)
    select id, sum(debits), sum(credits) from (${movedInSpan(span)}) moved group by id
    on conflict (ledger_account_id) do update
      set debits = kept.debits + excluded.debits, credits = kept.credits + excluded.credits`.execute(
    tx,
  )
}

async function one<Row>(db: Db, query: RawBuilder<Row>): Promise<Row> {
  const { rows } = await query.execute(db)
  const row = rows[0]
  if (row === undefined) throw new Error('a query for one row found none')
  return row
}
