/** What can be wrong with purchases, as SQL to be run with the guards off in a billing scene. */
import type { BillingScene } from './billing-scene.ts'

export interface BillingPlant {
  readonly breach: string
  readonly check: string
  readonly says: RegExp
  /** What is done with the guards off. */
  plant(scene: BillingScene): string
}

const SUMS = 'lines_equal_purchase_equal_invoice'
const PERIODS = 'periods_tile'
const NUMBERS = 'invoice_numbers_gapless'
const EVENTS = 'one_event_per_change'
const CAUSE = 'transfer_has_one_cause'
const MISSING = 'cause_has_its_transfer'

export const BILLING_PLANTS: readonly BillingPlant[] = [
  {
    breach: 'a line that is cheaper than its purchase says',
    check: SUMS,
    says: /^purchase 10002: net 8, gross 10, its lines make 7 and 9$/,
    plant: ({ open }) => `update purchase_line set net = net - 1000000, gross = gross - 1000000
      where purchase_id = ${open} and position = 1`,
  },
  {
    breach: 'a purchase without lines',
    check: SUMS,
    says: /^purchase 10002: net 8, gross 10, its lines make 0 and 0$/,
    plant: ({ open }) => `delete from purchase_line where purchase_id = ${open};
      update purchase set updated_at = now() where id = ${open}`,
  },
  {
    breach: 'a line that stands for a period though its purchase was voided',
    check: SUMS,
    says: /^line \d+ of account \d+, not cancelled: purchase 10004 of account \d+ is cancelled$/,
    plant: ({ cancelled }) =>
      `update purchase_line set is_cancelled = false where purchase_id = ${cancelled}`,
  },
  {
    breach: "a line of another account's purchase",
    check: SUMS,
    says: /^line \d+ of account 999, not cancelled: purchase 10002 of account \d+ is awaiting/,
    plant: ({ open }) => `update purchase_line set account_id = 999
      where purchase_id = ${open} and position = 1`,
  },
  {
    breach: 'an invoice of another amount than its purchase',
    check: SUMS,
    says: /^purchase 10002 .* gross 10 EUR: invoice \d+ is unpaid, net 7, gross 9 EUR$/,
    plant: ({ open }) =>
      `update invoice set net = 7000000, gross = 9000000 where purchase_id = ${open}`,
  },
  {
    breach: 'an invoice in another currency than its purchase',
    check: SUMS,
    says: /^purchase 10002 .* EUR: invoice \d+ is unpaid, net 8, gross 10 SEK$/,
    plant: ({ open }) => `update invoice set currency = 'SEK' where purchase_id = ${open}`,
  },
  {
    breach: 'a purchase that costs something and has no invoice',
    check: SUMS,
    says: /^purchase 10002 is awaiting_payment, net 8, gross 10 EUR: it has no invoice$/,
    plant: ({ open }) => `delete from invoice where purchase_id = ${open};
      update purchase set updated_at = now() where id = ${open}`,
  },
  {
    breach: 'an invoice of a purchase that does not exist',
    check: SUMS,
    says: /^purchase 10077 is missing, .* : invoice \d+ is unpaid, net 8, gross 10 EUR$/,
    plant: ({ carl }) => `
      insert into invoice (public_id, account_id, purchase_id, currency, tax_rate_ppm, net, gross,
        issued_on, due_at, created_at, updated_at)
      values (gen_random_uuid(), ${carl.accountId}, 10077, 'EUR', 250000, 8000000, 10000000, now(),
        now(), now(), now())`,
  },
  {
    breach: 'an invoice of a purchase that costs nothing',
    check: SUMS,
    says: /^purchase 10006 is paid, .* gross 0 EUR: invoice \d+ is unpaid, net 8, gross 10 EUR$/,
    plant: ({ carl, free }) => `
      insert into invoice (public_id, account_id, purchase_id, currency, tax_rate_ppm, net, gross,
        issued_on, due_at, created_at, updated_at)
      values (gen_random_uuid(), ${carl.accountId}, ${free}, 'EUR', 250000, 8000000, 10000000, now(),
        now(), now(), now())`,
  },
  {
    breach: 'an invoice that is open though its purchase is paid',
    check: SUMS,
    says: /^purchase 10005 is paid, .*: invoice \d+ is unpaid,/,
    plant: ({ second }) => `update invoice set state = 'unpaid', number = null, paid_at = null
      where purchase_id = ${second}`,
  },
  {
    breach: 'a purchase that is paid while its money is only held',
    check: SUMS,
    says: /^purchase 10003 is paid, .*: hold \d+ is held, of 10 for purchase 10003, settled for 0 /,
    plant: ({ processing }) => `
      update purchase set state = 'paid', look_at = null, paid_at = now() where id = ${processing}`,
  },
  {
    breach: 'a purchase that is being paid with less than it costs',
    check: SUMS,
    says: /^purchase 10003 is processing, .*: hold \d+ is held, of 9 for purchase 10003,/,
    plant: ({ openHold }) => `update hold set amount = 9000000 where id = ${openHold}`,
  },
  {
    breach: 'a purchase of which another tax was paid than it has',
    check: SUMS,
    says: /^purchase 10001 is paid, .*, settled for 10 with 1 tax$/,
    plant: ({ paidHold }) => `update hold set settled_tax = 1000000 where id = ${paidHold}`,
  },
  {
    breach: "a purchase that is paid by another's hold",
    check: SUMS,
    says: /^purchase 10003 is processing, .*: hold \d+ is settled, of 10 for purchase 10001,/,
    plant: ({ processing, paidHold }) =>
      `update purchase set hold_id = ${paidHold} where id = ${processing}`,
  },
  {
    breach: 'a purchase that is paid without money',
    check: SUMS,
    says: /^purchase 10001 is paid, net 8, gross 10: nothing is held for it$/,
    plant: ({ paid }) => `alter table purchase drop constraint purchase_paid_for;
      update purchase set hold_id = null where id = ${paid}`,
  },
  {
    breach: 'money that stays held though nothing is being paid with it',
    check: SUMS,
    says: /^hold \d+ of 10 is held for purchase 10002, which is awaiting.* is paid by hold none$/,
    plant: ({ releasedHold }) =>
      `update hold set state = 'held', ended_at = null where id = ${releasedHold}`,
  },
  {
    breach: 'a line of a purchase that does not exist',
    check: SUMS,
    says: /^line \d+ of account \d+, not cancelled: purchase 10077 of account none is missing$/,
    plant: ({ open }) => `update purchase_line set purchase_id = 10077
      where purchase_id = ${open} and position = 1`,
  },
  {
    breach: 'a purchase that is being paid by a hold that does not exist',
    check: SUMS,
    says: /^purchase 10003 is processing, .*: nothing is held for it$/,
    plant: ({ processing }) => `update purchase set hold_id = 777 where id = ${processing}`,
  },
  {
    breach: "a purchase that is being paid by another account's hold",
    check: SUMS,
    says: /^purchase 10003 is processing, .*: hold \d+ is held, of 10 for purchase 10003,/,
    plant: ({ openHold }) => `update hold set account_id = 999 where id = ${openHold}`,
  },
  {
    breach: 'a period that is paid for by a line that does not exist',
    check: PERIODS,
    says: /^subscription 1: the period from .* is paid for by line 777, which does not exist$/,
    plant: () => `update subscription_period set purchase_line_id = 777
      where subscription_id = 1 and purchase_line_id is not null`,
  },
  {
    breach: 'a period that leaves a gap',
    check: PERIODS,
    says: /^subscription 1: a period from 2026-02-02T00:00:00Z, after one to 2026-02-01T00:00:00Z$/,
    plant: () => `update subscription_period set period_from = '2026-02-02Z'
      where subscription_id = 1 and period_from = '2026-02-01Z'`,
  },
  {
    breach: 'a period that overlaps the one before',
    check: PERIODS,
    says: /^subscription 2: a period from 2026-01-31T00:00:00Z, after one to 2026-02-01T00:00:00Z$/,
    plant: ({ carl }) => `insert into subscription_period
      values (2, '2026-01-31Z', '2026-02-01Z', 1, ${carl.accountId}, null, now())`,
  },
  {
    breach: 'a subscription that runs longer than was paid for',
    check: PERIODS,
    says: /^subscription 3: expires at 2026-02-02T.*, its periods end at 2026-02-01T00:00:00Z$/,
    plant: () => `update subscription set expires_at = '2026-02-02Z' where id = 3`,
  },
  {
    breach: 'a subscription without a period',
    check: PERIODS,
    says: /^subscription 3: expires at 2026-02-01T00:00:00Z, its periods end at none$/,
    plant: () => `delete from subscription_period where subscription_id = 3;
      update subscription set updated_at = now() where id = 3`,
  },
  {
    breach: 'a period that is paid for by a purchase that is not paid',
    check: PERIODS,
    says: /^subscription 2: the period .*, which is of purchase 10003, which is processing$/,
    plant: ({ carl, processing }) => `
      insert into subscription_period select 2, '2026-02-01Z', '2026-03-01Z', 1, ${carl.accountId},
        id, now() from purchase_line where purchase_id = ${processing};
      update subscription set expires_at = '2026-03-01Z' where id = 2`,
  },
  {
    breach: 'a period that is paid for by a line that does not exist',
    check: PERIODS,
    says: /^subscription 4: the period from .* is paid for by line 777, which does not exist$/,
    plant: () => `update subscription_period set purchase_line_id = 777
      where subscription_id = 4 and purchase_line_id is not null`,
  },
  {
    breach: 'a period that is paid for by a line for another one',
    check: PERIODS,
    says: /^subscription 4: the period .* by line \d+, which is for subscription 5 from/,
    plant: () => `update subscription_period r set purchase_line_id = l.id from purchase_line l
      where r.subscription_id = 4 and r.purchase_line_id is not null and l.subscription_id = 5`,
  },
  {
    breach: 'a line that was paid and gave no period',
    check: PERIODS,
    says: /^line \d+ of purchase 10001, paid: subscription 6 has no period from 2026-02-01T/,
    plant: () => `delete from subscription_period
        where subscription_id = 6 and purchase_line_id is not null;
      update subscription set expires_at = '2026-02-01Z' where id = 6`,
  },
  {
    breach: 'an open line for another period than the next',
    check: PERIODS,
    says: /^line \d+ of purchase 10002, .*: is from 2026-04-01.*, subscription 1 expires at/,
    plant: ({ open }) => `update purchase_line set period_from = '2026-04-01Z',
        period_to = '2026-05-01Z' where purchase_id = ${open} and position = 1`,
  },
  {
    breach: 'a number that was left out',
    check: NUMBERS,
    says: /^invoice \d+ is number 1000000003: there is no number 1000000002$/,
    plant: ({ second }) => `update invoice set number = 1000000003 where purchase_id = ${second};
      update invoice_series set last_number = 1000000003`,
  },
  {
    breach: 'a number below the first',
    check: NUMBERS,
    says: /^invoice \d+ is number 17: the first is 1000000001$/,
    plant: ({ paid }) => `update invoice set number = 17 where purchase_id = ${paid}`,
  },
  {
    breach: 'a number that two have',
    check: NUMBERS,
    says: /^invoices \d+ and \d+ are both number 1000000001$/,
    plant: ({ second }) => `alter table invoice drop constraint invoice_number_key;
      update invoice set number = 1000000001 where purchase_id = ${second}`,
  },
  {
    breach: 'a number that was given to nobody',
    check: NUMBERS,
    says: /^the series has given 1000000009, the last original is number 1000000002$/,
    plant: () => 'update invoice_series set last_number = 1000000009',
  },
  {
    breach: 'a lost series',
    check: NUMBERS,
    says: /^there is no series of invoices$/,
    plant: () => 'delete from invoice_series',
  },
  {
    breach: 'a purchase that no event created',
    check: EVENTS,
    says: /^purchase 10002 is awaiting_payment: events of creating 0,/,
    plant: ({ open }) => `update event set kind = 'purchase.changed'
      where kind = 'purchase.created' and subject_id = ${open};
      update purchase set updated_at = now() where id = ${open}`,
  },
  {
    breach: 'an event of a purchase that does not exist',
    check: EVENTS,
    says: /^purchase 10077 is missing: events of creating 1,/,
    plant: () => event('purchase.created', 10077n),
  },
  {
    breach: 'a purchase that was paid twice',
    check: EVENTS,
    says: /^purchase 10001 is paid: .* of paying 2,/,
    plant: ({ paid }) => event('purchase.paid', paid),
  },
  {
    breach: 'a purchase that was reversed without having been processed',
    check: EVENTS,
    says: /^purchase 10002 is awaiting_payment: .* of processing 1, of paying 0, of reversing 2,/,
    plant: ({ open }) => event('purchase.reversed', open),
  },
  {
    breach: 'a purchase that is voided without an event',
    check: EVENTS,
    says: /^purchase 10002 is cancelled: .* of cancelling 0$/,
    plant: ({ open }) => `update purchase set state = 'cancelled' where id = ${open}`,
  },
  {
    breach: 'a renewal without its period',
    check: EVENTS,
    says: /^subscription 3: events of opening 1, of renewing 1, periods paid for 0$/,
    plant: () => event('subscription.renewed', 3n),
  },
  {
    breach: 'a subscription that was opened twice',
    check: EVENTS,
    says: /^subscription 3: events of opening 2,/,
    plant: () => event('subscription.opened', 3n),
  },
  {
    breach: 'an event of a subscription that does not exist',
    check: EVENTS,
    says: /^subscription 77 is missing: events of opening 0, of renewing 1,/,
    plant: () => event('subscription.renewed', 77n),
  },
  {
    breach: 'a charge of a card that succeeded without an event',
    check: EVENTS,
    says: /^card_charge \d+ is succeeded: events of starting 1, of success 0, of decline 1$/,
    plant: ({ declinedId }) =>
      `update card_charge set state = 'succeeded' where id = ${declinedId}`,
  },
  {
    breach: 'a charge of a card that brought no money',
    check: MISSING,
    says: /^card_charge \d+ leg 0: no transfer of 3 EUR/,
    plant: ({ declinedId }) =>
      `update card_charge set state = 'succeeded' where id = ${declinedId}`,
  },
  {
    breach: 'money of a charge that was declined',
    check: CAUSE,
    says: /^transfer \d+: card_charge \d+ leg 0, 3 EUR of account \d+, has no such cause$/,
    plant: ({ carl, declinedId }) => `
      insert into transfer (debit_id, credit_id, amount, currency, cause_kind, cause_id, leg,
        account_id, created_at)
      select debit_id, credit_id, amount, currency, cause_kind, ${declinedId}, leg, account_id, now()
      from transfer where cause_kind = 'card_charge' and account_id = ${carl.accountId}`,
  },
  {
    breach: 'tax that went to revenue',
    check: CAUSE,
    says: /leg 2, 2 EUR .*, the cause asks for 2 EUR of account \d+ from held to tax$/,
    plant: ({ openHold }) => settledToRevenue(openHold, 2),
  },
  {
    breach: 'tax that was not paid',
    check: MISSING,
    says: /^hold_end \d+ leg 2: no transfer of 2 EUR/,
    plant: ({ openHold }) => `update hold set state = 'settled', settled = 10000000,
      settled_tax = 2000000, ended_at = now() where id = ${openHold}`,
  },
]

function event(kind: string, subjectId: bigint): string {
  return `insert into event (kind, subject_id, actor_kind, created_at)
    values ('${kind}', ${subjectId}, 'system', now())`
}

/** Ends a hold of 10 with 2 tax, and sends the tax's leg to revenue. */
function settledToRevenue(holdId: bigint, leg: number): string {
  return `
    update hold set state = 'settled', settled = 10000000, settled_tax = 2000000, ended_at = now()
    where id = ${holdId};
    insert into transfer (debit_id, credit_id, amount, currency, cause_kind, cause_id, leg,
      account_id, created_at)
    select h.id, r.id, 2000000, 'EUR', 'hold_end', ${holdId}, ${leg}, h.account_id, now()
    from ledger_account h, ledger_account r
    where h.kind = 'held' and h.currency = 'EUR' and r.kind = 'revenue' and r.currency = 'EUR'`
}
