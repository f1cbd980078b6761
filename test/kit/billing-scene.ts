/** Books in which everything that billing knows has happened once. */
import { sql } from 'kysely'
import { placeHolds, releaseHolds, settleHolds } from '../../src/core/ledger/holds.ts'
import { postTransfers } from '../../src/core/ledger/post-transfers.ts'
import { systemAccount } from '../../src/core/ledger/system-account.ts'
import { lockWallets } from '../../src/core/lock-wallets.ts'
import type { Tx } from '../../src/db/database.ts'
import { type Books, type Customer, newBooks } from './books.ts'

const UNIT = 1_000_000n

/**
 * The servers 1 to 5 of carl have the subscriptions 1 to 5, and server 1 an addon with
 * subscription 6. All but the purchase that is free cost 10 with 2 tax.
 */
export interface BillingScene {
  readonly books: Books
  readonly carl: Customer
  /** Of server 1 and its addon: paid, the original 1000000001, by the hold `paidHold`. */
  readonly paid: bigint
  /** The next of the same: awaiting payment, tried once in vain. */
  readonly open: bigint
  /** Of server 2: processing, by the hold `openHold`. */
  readonly processing: bigint
  /** Of server 3. */
  readonly cancelled: bigint
  /** Of server 4: paid, the original 1000000002, with a card's help. */
  readonly second: bigint
  /** Of server 5: paid, and costs nothing. */
  readonly free: bigint
  readonly paidHold: bigint
  readonly openHold: bigint
  readonly releasedHold: bigint
  readonly chargeId: bigint
  readonly declinedId: bigint
}

const PAID = 10001n
const OPEN = 10002n
const PROCESSING = 10003n
const CANCELLED = 10004n
const SECOND = 10005n
const FREE = 10006n

export async function newBillingScene(): Promise<BillingScene> {
  const books = await newBooks()
  const carl = await books.customer('EUR')
  await books.credit(carl, 100n * UNIT)
  const { accountId } = carl
  const rest = await books.database.transaction(async (tx) => {
    const context = { tx, now: new Date(), wallets: await lockWallets(tx, [accountId]) }
    await addServers(tx, accountId)
    const hold = async (id: bigint): Promise<bigint> => {
      const subject = { kind: 'purchase', id }
      const [holdId] = await placeHolds(context, [{ accountId, amountMicros: 10n * UNIT, subject }])
      return holdId!
    }
    const paidHold = await hold(PAID)
    const secondHold = await hold(SECOND)
    const openHold = await hold(PROCESSING)
    const releasedHold = await hold(OPEN)
    const taken = { amountMicros: 10n * UNIT, taxMicros: 2n * UNIT }
    await settleHolds(context, [
      { holdId: paidHold, ...taken },
      { holdId: secondHold, ...taken },
    ])
    await releaseHolds(context, [releasedHold])
    await addPurchases(tx, accountId, { paidHold, secondHold, openHold })
    const charges = await addCharges(tx, carl)
    await addEvents(tx, accountId)
    return { ...charges, paidHold, openHold, releasedHold }
  })
  return {
    books,
    carl,
    paid: PAID,
    open: OPEN,
    processing: PROCESSING,
    cancelled: CANCELLED,
    second: SECOND,
    free: FREE,
    ...rest,
  }
}

async function addServers(tx: Tx, accountId: bigint): Promise<void> {
  await sql`
    insert into plan (public_id, key, name, vcpus, memory_mb, disk_gb, bandwidth_gb, created_at,
      updated_at)
    values (gen_random_uuid(), 'small', 'Small', 1, 1024, 10, 0, now(), now())`.execute(tx)
  await sql`
    insert into addon (public_id, key, family, name, created_at, updated_at)
    values (gen_random_uuid(), 'cpanel-pro-30', 'cpanel', 'cPanel', now(), now())`.execute(tx)
  await sql`
    insert into server (public_id, account_id, plan_id, provider, provider_ref, hostname, location,
      image_name, image_family, image_version, created_at, updated_at)
    select gen_random_uuid(), ${accountId}::bigint, 1, 'simulated', 'ref-' || n, 'web-' || n,
      'Sofia', 'Ubuntu 24.04', 'ubuntu', '24.04', now(), now()
    from generate_series(1, 5) n`.execute(tx)
  await sql`
    insert into subscription (public_id, account_id, kind, server_id, plan_id, addon_id,
      billing_cycle, time_zone, anchor_day, expires_at, created_at, updated_at)
    select gen_random_uuid(), ${accountId}::bigint,
      case n when 6 then 'server-addon' else 'server' end, case n when 6 then 1 else n end,
      case n when 6 then null else 1 end, case n when 6 then 1 end, 1, 'UTC', 1,
      case when n in (2, 3) then '2026-02-01Z'::timestamptz else '2026-03-01Z' end, now(), now()
    from generate_series(1, 6) n`.execute(tx)
  await sql`
    insert into subscription_period (subscription_id, period_from, period_to, billing_cycle,
      account_id, created_at)
    select id, '2026-01-01Z', '2026-02-01Z', 1, account_id, now() from subscription`.execute(tx)
}

/** A card that gave 3 for the second purchase, and nothing for the first. */
async function addCharges(
  tx: Tx,
  { accountId, walletId, currency }: Customer,
): Promise<{ chargeId: bigint; declinedId: bigint }> {
  await sql`
    insert into card (account_id, gateway, gateway_ref, brand, last_four, created_at)
    values (${accountId}, 'simulated', 'card-1', 'visa', '4242', now())`.execute(tx)
  const { rows } = await sql<{ id: bigint }>`
    insert into card_charge (account_id, card_id, purchase_id, amount, currency, state, created_at,
      ended_at)
    select ${accountId}::bigint, 1, p.id, 3000000, 'EUR', p.state, now(), now()
    from (values (${SECOND}::bigint, 'succeeded'), (${OPEN}, 'declined')) p (id, state)
    returning id`.execute(tx)
  const [charge, declined] = rows
  await postTransfers(tx, [
    {
      debitId: await systemAccount(tx, 'clearing', currency),
      creditId: walletId,
      amountMicros: 3n * UNIT,
      currency,
      causeKind: 'card_charge',
      causeId: charge!.id,
      accountId,
      createdAt: new Date(),
    },
  ])
  return { chargeId: charge!.id, declinedId: declined!.id }
}

async function addPurchases(
  tx: Tx,
  accountId: bigint,
  holds: { paidHold: bigint; secondHold: bigint; openHold: bigint },
): Promise<void> {
  await sql`
    insert into purchase (id, account_id, state, currency, tax_rate_ppm, net, gross, auto_pay,
      due_at, hold_id, look_at, created_at, updated_at, paid_at)
    select p.id, ${accountId}::bigint, p.state, 'EUR', 250000, p.net * 1000000, p.gross * 1000000,
      true, '2026-02-01Z', p.hold_id, case p.state when 'processing' then now() end, now(), now(),
      case p.state when 'paid' then now() end
    from (values
      (${PAID}::bigint, 'paid', 8, 10, ${holds.paidHold}::bigint),
      (${OPEN}, 'awaiting_payment', 8, 10, null),
      (${PROCESSING}, 'processing', 8, 10, ${holds.openHold}),
      (${CANCELLED}, 'cancelled', 8, 10, null),
      (${SECOND}, 'paid', 8, 10, ${holds.secondHold}),
      (${FREE}, 'paid', 0, 0, null)
    ) p (id, state, net, gross, hold_id)`.execute(tx)
  await sql`
    insert into purchase_line (purchase_id, account_id, position, subscription_id, kind, label,
      period_from, period_to, billing_cycle, list_net, list_gross, net, gross, is_cancelled)
    select l.purchase_id, ${accountId}::bigint, l.position, l.subscription_id, l.kind, 'Small',
      l.begins::timestamptz, l.begins::timestamptz + interval '1 month', 1, l.net * 1000000,
      l.gross * 1000000, l.net * 1000000, l.gross * 1000000, l.purchase_id = ${CANCELLED}
    from (values
      (${PAID}::bigint, 1, 1, 'server', '2026-02-01Z', 4, 5),
      (${PAID}, 2, 6, 'server-addon', '2026-02-01Z', 4, 5),
      (${OPEN}, 1, 1, 'server', '2026-03-01Z', 4, 5),
      (${OPEN}, 2, 6, 'server-addon', '2026-03-01Z', 4, 5),
      (${PROCESSING}, 1, 2, 'server', '2026-02-01Z', 8, 10),
      (${CANCELLED}, 1, 3, 'server', '2026-02-01Z', 8, 10),
      (${SECOND}, 1, 4, 'server', '2026-02-01Z', 8, 10),
      (${FREE}, 1, 5, 'server', '2026-02-01Z', 0, 0)
    ) l (purchase_id, position, subscription_id, kind, begins, net, gross)`.execute(tx)
  await sql`
    insert into invoice (public_id, account_id, purchase_id, state, number, currency, tax_rate_ppm,
      net, gross, issued_on, due_at, created_at, updated_at, paid_at)
    select gen_random_uuid(), account_id, id,
      case when state in ('paid', 'cancelled') then state else 'unpaid' end,
      case id when ${PAID} then 1000000001 when ${SECOND} then 1000000002 end, currency,
      tax_rate_ppm, net, gross, now(), due_at, created_at, updated_at, paid_at
    from purchase where gross > 0`.execute(tx)
  await sql`update invoice_series set last_number = 1000000002`.execute(tx)
  await sql`
    insert into subscription_period (subscription_id, period_from, period_to, billing_cycle,
      account_id, purchase_line_id, created_at)
    select l.subscription_id, l.period_from, l.period_to, l.billing_cycle, l.account_id, l.id, now()
    from purchase_line l join purchase p on p.id = l.purchase_id where p.state = 'paid'`.execute(tx)
}

async function addEvents(tx: Tx, accountId: bigint): Promise<void> {
  await sql`
    insert into event (kind, subject_id, account_id, actor_kind, created_at)
    select kind, subject_id, ${accountId}, 'system', now() from (
      select 'subscription.opened', id from subscription
      union all
      select 'subscription.renewed', subscription_id from subscription_period
        where purchase_line_id is not null
      union all
      select 'purchase.created', id from purchase
      union all
      select 'purchase.processing', id from purchase
        where state in ('processing', 'paid') or id = ${OPEN}
      union all
      select 'purchase.reversed', ${OPEN}
      union all
      select 'purchase.' || state, id from purchase where state in ('paid', 'cancelled')
      union all
      select 'card_charge.started', id from card_charge
      union all
      select 'card_charge.' || state, id from card_charge
    ) e (kind, subject_id)`.execute(tx)
}
