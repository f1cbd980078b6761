import { sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { CauseKind } from './ledger.ts'

/** One transfer of an account, as its wallet sees it. */
export interface StatementEntry {
  readonly id: bigint
  readonly causeKind: CauseKind
  readonly causeId: bigint
  /** What it adds to the wallet, in micros; negative: what it takes; 0: the wallet is not in it. */
  readonly amountMicros: bigint
  readonly currency: string
  readonly createdAt: Date
}

export interface Statement {
  readonly entries: readonly StatementEntry[]
  /** Ask again with this as `before` for what is older; null: there is nothing older. */
  readonly next: bigint | null
}

const LIMIT_MAX = 500

/** The transfers of an account, newest first, `limit` (1 to 500) a page, older than `before`. */
export async function readStatement(
  db: Db,
  o: { accountId: bigint; before: bigint | null; limit: number },
): Promise<Statement> {
  const limit = Math.min(o.limit, LIMIT_MAX)
  const { rows } = await sql<StatementEntry>`
    select t.id, t.cause_kind as "causeKind", t.cause_id as "causeId", t.currency,
      case w.id when t.credit_id then t.amount when t.debit_id then -t.amount else 0 end
        as "amountMicros",
      t.created_at as "createdAt"
    from transfer t
    left join ledger_account w on w.account_id = t.account_id and w.kind = 'wallet'
    where t.account_id = ${o.accountId}
      and (${o.before}::bigint is null or t.id < ${o.before}::bigint)
    order by t.id desc
    limit ${limit + 1}`.execute(db)
  const entries = rows.slice(0, limit)
  return { entries, next: rows.length > limit ? (entries.at(-1)?.id ?? null) : null }
}
