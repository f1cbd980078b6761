import { type RawBuilder, sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import { publicIdAt } from '../../lib/ids.ts'
import type { CauseKind } from '../ledger/ledger.ts'
import {
  beforeOf,
  type ListWindow,
  limitOf,
  offsetOf,
  type TotalOf,
  totalOf,
} from '../list-window.ts'

/** One movement of a wallet, as its customer sees it. Money in micros. */
export interface Movement {
  /** The transfer's. */
  readonly id: bigint
  /** `txn_` and 26 characters, the same for the same transfer. */
  readonly publicId: string
  /** What it adds to the wallet; negative: what it takes. */
  readonly amountMicros: bigint
  readonly balanceAfterMicros: bigint
  readonly currency: string
  readonly kind: MovementKind
  readonly description: string
  readonly purchaseId: bigint | null
  readonly orderId: bigint | null
  /** Its UUID, and the number by which it is known. */
  readonly invoice: { readonly publicId: string; readonly number: bigint } | null
  readonly createdAt: Date
}

/**
 * order, refund: of an order. credit: given or taken back by the operator. card: taken from a saved
 * card. renewal: set aside for a purchase; reversal: of that, what came back.
 */
export type MovementKind = 'order' | 'refund' | 'credit' | 'renewal' | 'reversal' | 'card'

/**
 * What moved an account's wallet, newest first; `credit`: what operators gave and took back alone.
 * Whoever moves a wallet holds its lock, so its transfers are numbered in the order in which the
 * balance moved, and each one's balance after it is today's less all that came later.
 */
export async function listMovements<Window extends ListWindow>(
  db: Db,
  o: { accountId: bigint; kind?: 'all' | 'credit'; window: Window },
): Promise<{ movements: Movement[]; total: TotalOf<Window> }> {
  const before = beforeOf(o.window)
  const moved = movedOf(o.accountId)
  const chosen = o.kind === 'credit' ? sql`m.cause_kind = 'credit'` : sql`true`
  const { rows } = await sql<MovementRow>`
    with page as (
      select * from (${moved}) m
      where ${chosen} ${before === undefined ? sql`` : sql`and m.id < ${before}`}
      order by m.id desc limit ${limitOf(o.window)} offset ${offsetOf(o.window)}
    )
    ${describedPage()}`.execute(db)
  const total = await totalOf(o.window, async () => {
    const counted = await sql<{ count: bigint }>`
      select count(*) from transfer m
      join ledger_account w on w.account_id = m.account_id and w.kind = 'wallet'
        and w.id in (m.debit_id, m.credit_id)
      where m.account_id = ${o.accountId} and ${chosen}`.execute(db)
    return Number(counted.rows[0]?.count ?? 0n)
  })
  return { movements: rows.map(toMovement), total }
}

/** SQL for an account's transfers that moved its wallet, with the balance after each. */
function movedOf(accountId: bigint): RawBuilder<unknown> {
  const amount = sql`case w.id when t.credit_id then t.amount else -t.amount end`
  return sql`
    select t.id, t.cause_kind, t.cause_id, t.currency, t.created_at, ${amount} as amount,
      w.balance - coalesce(sum(${amount}) over (
        order by t.id desc rows between unbounded preceding and 1 preceding), 0) as balance_after
    from transfer t
    join ledger_account w on w.account_id = t.account_id and w.kind = 'wallet'
      and w.id in (t.debit_id, t.credit_id)
    where t.account_id = ${accountId}`
}

/** SQL for the rows of `page` and what they were for. */
function describedPage(): RawBuilder<MovementRow> {
  return sql`
    select page.id, page.cause_kind as "causeKind", page.currency,
      page.created_at as "createdAt", page.amount as "amountMicros",
      page.balance_after::bigint as "balanceAfterMicros", o.id as "orderId",
      v.name as "serviceName", c.last_four as "lastFour",
      p.id as "purchaseId", l.label, l.lines, i.public_id as "invoicePublicId",
      coalesce(i.number, i.purchase_id) as "invoiceNumber"
    from page
    left join order_refund r on page.cause_kind = 'order_refund' and r.id = page.cause_id
    left join service_order o on o.id = case page.cause_kind
      when 'order' then page.cause_id when 'order_refund' then r.order_id end
    left join service v on v.id = o.service_id
    left join hold h on page.cause_kind in ('hold', 'hold_end') and h.id = page.cause_id
    left join card_charge g on page.cause_kind = 'card_charge' and g.id = page.cause_id
    left join card c on c.id = g.card_id
    left join purchase p on p.id = coalesce(
      case h.subject_kind when 'purchase' then h.subject_id end, g.purchase_id)
    left join lateral (
      select (array_agg(n.label order by n.position))[1] as label, count(*) as lines
      from purchase_line n where n.purchase_id = p.id
    ) l on true
    left join invoice i on i.purchase_id = p.id
    order by page.id desc`
}

interface MovementRow {
  readonly id: bigint
  readonly causeKind: CauseKind
  readonly currency: string
  readonly createdAt: Date
  readonly amountMicros: bigint
  readonly balanceAfterMicros: bigint
  readonly orderId: bigint | null
  readonly serviceName: string | null
  readonly lastFour: string | null
  readonly purchaseId: bigint | null
  readonly label: string | null
  readonly lines: bigint
  readonly invoicePublicId: string | null
  readonly invoiceNumber: bigint | null
}

const KINDS: Readonly<Record<CauseKind, MovementKind>> = {
  order: 'order',
  order_refund: 'refund',
  credit: 'credit',
  hold: 'renewal',
  hold_end: 'reversal',
  card_charge: 'card',
}

function toMovement(row: MovementRow): Movement {
  const { id, createdAt } = row
  return {
    id,
    publicId: publicIdAt('txn', { at: createdAt, number: id }),
    amountMicros: row.amountMicros,
    balanceAfterMicros: row.balanceAfterMicros,
    currency: row.currency,
    kind: KINDS[row.causeKind],
    description: describe(row),
    purchaseId: row.purchaseId,
    orderId: row.orderId,
    invoice:
      row.invoicePublicId === null || row.invoiceNumber === null
        ? null
        : { publicId: row.invoicePublicId, number: row.invoiceNumber },
    createdAt,
  }
}

function describe(row: MovementRow): string {
  switch (row.causeKind) {
    case 'order':
      return `Order ${row.orderId}: ${row.serviceName}`
    case 'order_refund':
      return `Refund of order ${row.orderId}`
    case 'credit':
      return row.amountMicros > 0n ? 'Credit' : 'Credit taken back'
    case 'card_charge':
      return `Card ending in ${row.lastFour}`
    case 'hold':
      return boughtText(row)
    case 'hold_end':
      return `Returned: ${boughtText(row)}`
  }
}

/** `Renewal: Cloud VPS 2 GB - web-1 [192.0.2.1] and 2 more`. */
function boughtText(row: MovementRow): string {
  if (row.label === null) return 'Set aside'
  return row.lines > 1n ? `${row.label} and ${row.lines - 1n} more` : row.label
}
