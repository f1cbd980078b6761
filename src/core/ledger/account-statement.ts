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
  /** For people: what it was for. */
  readonly description: string
  readonly createdAt: Date
}

export interface Statement {
  readonly entries: readonly StatementEntry[]
  /** Ask again with this as `before` for what is older; null: there is nothing older. */
  readonly next: bigint | null
}

const LIMIT_MAX = 500

/** SQL: what the transfer `t` was for. The legs of a hold's end: see `holds.ts`. */
const DESCRIPTION = sql`case t.cause_kind
  when 'order' then format('Order %s', t.cause_id)
  when 'order_refund' then format('Refund of order %s', r.order_id)
  when 'credit' then format('Credit: %s', c.reason)
  when 'card_charge' then format('Charge of a card for purchase %s', g.purchase_id)
  when 'hold' then format('Held for %s %s', h.subject_kind, h.subject_id)
  when 'hold_end' then format('%s %s %s',
    (array['Net of', 'Returned from', 'Tax of'])[t.leg + 1], h.subject_kind, h.subject_id)
  end`

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
      ${DESCRIPTION} as description, t.created_at as "createdAt"
    from transfer t
    left join order_refund r on t.cause_kind = 'order_refund' and r.id = t.cause_id
    left join credit c on t.cause_kind = 'credit' and c.id = t.cause_id
    left join hold h on t.cause_kind in ('hold', 'hold_end') and h.id = t.cause_id
    left join card_charge g on t.cause_kind = 'card_charge' and g.id = t.cause_id
    left join ledger_account w on w.account_id = t.account_id and w.kind = 'wallet'
    where t.account_id = ${o.accountId}
      and (${o.before}::bigint is null or t.id < ${o.before}::bigint)
    order by t.id desc
    limit ${limit + 1}`.execute(db)
  const entries = rows.slice(0, limit)
  return { entries, next: rows.length > limit ? (entries.at(-1)?.id ?? null) : null }
}
