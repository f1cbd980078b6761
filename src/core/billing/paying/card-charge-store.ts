import { sql } from 'kysely'
import type { Tx } from '../../../db/database.ts'
import { dueToLook, leased, letGo } from './payment-store.ts'

/** A charge that the gateway is to be asked for, as often as it takes to know. */
export interface PendingCharge {
  readonly id: bigint
  readonly accountId: bigint
  /** What it is for: paid all or none. */
  readonly purchaseIds: readonly bigint[]
  readonly gateway: string
  readonly cardRef: string
  readonly amountMicros: bigint
  readonly currency: string
}

/** An account's card. */
export interface ChargeableCard {
  readonly id: bigint
  readonly accountId: bigint
  readonly gateway: string
  readonly cardRef: string
}

/** The saved cards of accounts, by account. */
export async function findCards(
  tx: Tx,
  accountIds: readonly bigint[],
): Promise<ReadonlyMap<bigint, ChargeableCard>> {
  const { rows } = await sql<ChargeableCard>`
    select id, account_id as "accountId", gateway, gateway_ref as "cardRef" from card
    where account_id = any (${accountIds}::bigint[]) and removed_at is null`.execute(tx)
  return new Map(rows.map((row) => [row.accountId, row]))
}

export interface ChargeDraft {
  readonly card: ChargeableCard
  /** At least one. */
  readonly purchaseIds: readonly bigint[]
  readonly amountMicros: bigint
  readonly currency: string
}

/** Adds a charge that nobody has asked for yet, for `lease`. */
export async function insertCharge(
  tx: Tx,
  o: { draft: ChargeDraft; lease: string; now: Date },
): Promise<PendingCharge> {
  const { card, purchaseIds, amountMicros, currency } = o.draft
  const [first, ...others] = purchaseIds
  const { rows } = await sql<{ id: bigint }>`
    insert into card_charge (account_id, card_id, purchase_id, other_purchase_ids, amount,
      currency, created_at, look_at)
    values (${card.accountId}, ${card.id}, ${first}, ${others}::bigint[], ${amountMicros},
      ${currency}, ${o.now}, ${o.now})
    returning id`.execute(tx)
  const { id } = rows[0]!
  await sql`update card_charge set ${leased(o)} where id = ${id}`.execute(tx)
  const { accountId, gateway, cardRef } = card
  return { id, accountId, purchaseIds, gateway, cardRef, amountMicros, currency }
}

/** pending → succeeded. Returns those that were pending; whoever else ended one has booked it. */
export async function succeedCharges(
  tx: Tx,
  o: { ids: readonly bigint[]; now: Date },
): Promise<ReadonlySet<bigint>> {
  return await endCharges(tx, { ...o, state: 'succeeded' })
}

/** pending → declined; false where it has ended before. */
export async function declinePending(tx: Tx, o: { id: bigint; now: Date }): Promise<boolean> {
  const ended = await endCharges(tx, { ids: [o.id], now: o.now, state: 'declined' })
  return ended.has(o.id)
}

async function endCharges(
  tx: Tx,
  o: { ids: readonly bigint[]; now: Date; state: 'succeeded' | 'declined' },
): Promise<ReadonlySet<bigint>> {
  const { rows } = await sql<{ id: bigint }>`
    with pending as materialized (
      select id from card_charge where id = any (${o.ids}::bigint[]) and state = 'pending'
      order by id for no key update
    )
    update card_charge c set state = ${o.state}, ended_at = ${o.now}::timestamptz,
      look_at = null, lease_worker = null, lease_until = null
    from pending where c.id = pending.id returning c.id`.execute(tx)
  return new Set(rows.map((row) => row.id))
}

/** Leaves a charge to whoever looks next. */
export async function letGoOfChargeRow(
  tx: Tx,
  o: { id: bigint; lease: string; now: Date },
): Promise<void> {
  await sql`
    update card_charge set ${letGo({ now: o.now, since: 'created_at' })}
    where id = ${o.id} and state = 'pending' and lease_worker = ${o.lease}::uuid`.execute(tx)
}

/** Takes charges for `lease` whose gateway is to be asked again, the longest due first. */
export async function claimCharges(
  tx: Tx,
  o: { lease: string; now: Date; limit: number },
): Promise<PendingCharge[]> {
  const { rows } = await sql<PendingCharge>`
    with due as materialized (
      select id from card_charge
      where ${dueToLook(o.now)} and state = 'pending'
        and (lease_until is null or lease_until <= clock_timestamp())
      order by look_at limit ${o.limit} for no key update skip locked
    )
    update card_charge c set ${leased(o)}
    from due, card d
    where c.id = due.id and d.id = c.card_id
    returning c.id, c.account_id as "accountId",
      array[c.purchase_id] || c.other_purchase_ids as "purchaseIds", d.gateway,
      d.gateway_ref as "cardRef", c.amount as "amountMicros", c.currency`.execute(tx)
  return rows
}
