/** What can be wrong with the books, as SQL to be run with the guards off in a scene. */
import type { Scene } from './ledger-scene.ts'

/** SQL of a transfer that no operation made. */
export function transfer(o: {
  from: bigint
  to: bigint
  cause: string
  account: bigint
  amount?: string
  currency?: string
}): string {
  return `insert into transfer (debit_id, credit_id, amount, currency, cause_kind, cause_id, leg,
    account_id, created_at) values (${o.from}, ${o.to}, ${o.amount ?? '4000000'},
    '${o.currency ?? 'USD'}', ${o.cause}, ${o.account}, now())`
}

export interface Plant {
  readonly breach: string
  readonly check: string
  readonly says: RegExp
  /** What is done with the guards off. */
  plant(scene: Scene): string
}

export const NOWHERE = 999_999n

export const PLANTS: readonly Plant[] = [
  {
    breach: 'a transfer to a ledger account that does not exist',
    check: 'debits_equal_credits',
    says: /^USD: debits 197, credits 193$/,
    plant: ({ anna }) =>
      transfer({
        from: anna.walletId,
        to: NOWHERE,
        cause: `'order', 77, 0`,
        account: anna.accountId,
      }),
  },
  {
    breach: 'a transfer between two currencies',
    check: 'debits_equal_credits',
    says: /^SEK: debits 70, credits 74$/,
    plant: ({ anna, sven }) =>
      transfer({
        from: anna.walletId,
        to: sven.walletId,
        cause: `'order', 77, 0`,
        account: anna.accountId,
      }),
  },
  {
    breach: 'a balance that no transfer moved',
    check: 'balance_is_sum_of_transfers',
    says: /^wallet \d+ of account \d+: balance 77.500001, its transfers make 77$/,
    plant: ({ anna }) =>
      `update ledger_account set balance = balance + 500001 where id = ${anna.walletId}`,
  },
  {
    breach: 'a transfer that moved no balance',
    check: 'balance_is_sum_of_transfers',
    says: /^wallet \d+ of account \d+: balance 50, its transfers make 46$/,
    plant: ({ bert, revenueId }) =>
      transfer({
        from: bert.walletId,
        to: revenueId,
        cause: `'order', 77, 0`,
        account: bert.accountId,
      }),
  },
  {
    breach: 'an account that never had a transfer and yet a balance',
    check: 'balance_is_sum_of_transfers',
    says: /^debt \d+ of account \d+: balance 1, its transfers make 0$/,
    plant: ({ bert }) => `insert into ledger_account (kind, account_id, currency, balance)
      values ('debt', ${bert.accountId}, 'USD', 1000000)`,
  },
  {
    breach: 'a wallet below its floor',
    check: 'balance_not_below_floor',
    says: /^wallet \d+ of account \d+: balance -0.000001 is below 0$/,
    plant: ({ bert }) => `alter table ledger_account drop constraint ledger_account_floor;
      update ledger_account set balance = -1 where id = ${bert.walletId}`,
  },
  {
    breach: 'a transfer from a ledger account that does not exist',
    check: 'transfer_between_existing_accounts',
    says: /^transfer \d+ of account \d+ in USD: from none 999999, to wallet \d+ in USD$/,
    plant: ({ anna }) =>
      transfer({
        from: NOWHERE,
        to: anna.walletId,
        cause: `'credit', 77, 0`,
        account: anna.accountId,
      }),
  },
  {
    breach: 'a transfer in another currency than that of its accounts',
    check: 'transfer_between_existing_accounts',
    says: /^transfer \d+ of account \d+ in SEK: from wallet \d+ in USD, to revenue \d+ in USD$/,
    plant: ({ anna, revenueId }) =>
      transfer({
        from: anna.walletId,
        to: revenueId,
        cause: `'order', 77, 0`,
        account: anna.accountId,
        currency: 'SEK',
      }),
  },
  {
    breach: "a transfer from another customer's wallet",
    check: 'transfer_between_existing_accounts',
    says: /^transfer \d+ of account \d+ in USD: from wallet \d+ in USD, to revenue \d+ in USD$/,
    plant: ({ anna, bert, revenueId }) =>
      transfer({
        from: bert.walletId,
        to: revenueId,
        cause: `'order', 77, 0`,
        account: anna.accountId,
      }),
  },
  {
    breach: 'a transfer without its order',
    check: 'transfer_has_one_cause',
    says: /^transfer \d+: order 77 leg 0, 4 USD of account \d+, has no such cause$/,
    plant: ({ anna, revenueId }) =>
      transfer({
        from: anna.walletId,
        to: revenueId,
        cause: `'order', 77, 0`,
        account: anna.accountId,
      }),
  },
  {
    breach: 'a transfer that is a leg its cause does not have',
    check: 'transfer_has_one_cause',
    says: /^transfer \d+: order 1 leg 1, .* has no such cause$/,
    plant: ({ anna, revenueId, orders }) =>
      transfer({
        from: anna.walletId,
        to: revenueId,
        cause: `'order', ${orders[0]}, 1`,
        account: anna.accountId,
      }),
  },
  {
    breach: 'a second transfer for one order',
    check: 'transfer_has_one_cause',
    says: /^order 1 leg 0: transfers \d+ (and|to) \d+$/,
    plant: ({ anna, revenueId, orders }) =>
      `alter table transfer drop constraint transfer_cause_key;
      ${transfer({
        from: anna.walletId,
        to: revenueId,
        cause: `'order', ${orders[0]}, 0`,
        account: anna.accountId,
      })}`,
  },
  ...(
    [
      ['amount', `amount = 3000000`, /asks for 4 USD/],
      ['account', `account_id = 2`, /asks for 4 USD of account 1/],
      ['currency', `currency = 'SEK'`, /asks for 4 USD/],
      ['receiver', `credit_id = 3`, /from wallet to revenue$/],
      [
        'giver',
        `debit_id = (select id from ledger_account where kind = 'held' limit 1)`,
        /from wallet to/,
      ],
    ] as const
  ).map(
    ([field, change, says]): Plant => ({
      breach: `a transfer of another ${field} than its order`,
      check: 'transfer_has_one_cause',
      says,
      plant: ({ anna, revenueId }) => `
        insert into service_order (id, account_id, service_id, quantity, link, currency,
          list_charge, charge, remains, provider, look_at, created_at, updated_at)
        values (77, ${anna.accountId}, 1, 1, '-', 'USD', 4000000, 4000000, 1, 'simulated', now(),
          now(), now());
        ${transfer({
          from: anna.walletId,
          to: revenueId,
          cause: `'order', 77, 0`,
          account: anna.accountId,
        })};
        update transfer set ${change} where cause_id = 77`,
    }),
  ),
  {
    breach: 'a charged order without its transfer',
    check: 'cause_has_its_transfer',
    says: /^order 77 leg 0: no transfer of 4 USD for account \d+$/,
    plant: ({ anna }) => `
      insert into service_order (id, account_id, service_id, quantity, link, currency,
        list_charge, charge, remains, provider, look_at, created_at, updated_at)
      values (77, ${anna.accountId}, 1, 1, '-', 'USD', 4000000, 4000000, 1, 'simulated', now(),
        now(), now())`,
  },
  {
    breach: 'an order whose charge was changed after it was paid',
    check: 'cause_has_its_transfer',
    says: /^order 3 leg 0: no transfer of 3 USD for account \d+$/,
    plant: ({ orders }) => `update service_order set charge = 3000000 where id = ${orders[2]}`,
  },
  {
    breach: 'a refund without its transfer',
    check: 'cause_has_its_transfer',
    says: /^order_refund \d+ leg 0: no transfer of 1 USD/,
    plant: ({ anna, orders }) => `
      insert into order_refund (order_id, account_id, cause, amount, created_at)
      values (${orders[2]}, ${anna.accountId}, 'operator', 1000000, now());
      update service_order set refunded = 1000000 where id = ${orders[2]}`,
  },
  {
    breach: 'a credit without its transfer',
    check: 'cause_has_its_transfer',
    says: /^credit \d+ leg 0: no transfer of 9 USD/,
    plant: ({ anna }) => `insert into credit (account_id, amount, currency, reason, created_at)
      values (${anna.accountId}, -9000000, 'USD', 'mistake', now())`,
  },
  {
    breach: 'a hold without its transfer',
    check: 'cause_has_its_transfer',
    says: /^hold \d+ leg 0: no transfer of 9 USD/,
    plant: ({ anna }) => `
      insert into hold (account_id, amount, currency, subject_kind, subject_id, created_at)
      values (${anna.accountId}, 9000000, 'USD', 'test', 1, now())`,
  },
  {
    breach: 'a hold that ended without giving anything back',
    check: 'cause_has_its_transfer',
    says: /^hold_end \d+ leg 1: no transfer of 5 USD/,
    plant: ({ holds }) =>
      `update hold set state = 'released', ended_at = now() where id = ${holds[0]}`,
  },
  {
    breach: 'a hold of which more was settled than went to the destination',
    check: 'cause_has_its_transfer',
    says: /^hold_end \d+ leg 0: no transfer of 3 USD/,
    plant: ({ holds }) => `update hold set settled = 3000000 where id = ${holds[1]}`,
  },
  {
    breach: 'an order that says it was refunded and was not',
    check: 'refunds_within_charge',
    says: /^order 3: charge 4, refunded 0.5, its refunds make 0$/,
    plant: ({ orders }) => `update service_order set refunded = 500000 where id = ${orders[2]}`,
  },
  {
    breach: 'a refund that its order does not say',
    check: 'refunds_within_charge',
    says: /^order 4: charge 4, refunded 1, its refunds make 2$/,
    plant: ({ anna, orders }) => `
      insert into order_refund (order_id, account_id, cause, amount, created_at)
      values (${orders[3]}, ${anna.accountId}, 'operator', 1000000, now())`,
  },
  {
    breach: 'refunds above the charge',
    check: 'refunds_within_charge',
    says: /^order 4: charge 4, refunded 6, its refunds make 6$/,
    plant: ({ anna, orders }) => `
      alter table service_order drop constraint service_order_refunded;
      insert into order_refund (order_id, account_id, cause, amount, created_at)
      values (${orders[3]}, ${anna.accountId}, 'operator', 5000000, now());
      update service_order set refunded = 6000000 where id = ${orders[3]}`,
  },
  {
    breach: 'an order that no event placed',
    check: 'one_event_per_change',
    says: /^order 77 is pending: events of placing 0,/,
    plant: ({ anna }) => `
      insert into service_order (id, account_id, service_id, quantity, link, currency,
        list_charge, charge, remains, provider, look_at, created_at, updated_at)
      values (77, ${anna.accountId}, 1, 1, '-', 'USD', 0, 0, 1, 'simulated', now(), now(), now())`,
  },
  {
    breach: 'an order placed twice',
    check: 'one_event_per_change',
    says: /^order 3 is completed: events of placing 2,/,
    plant: ({ orders }) => event('order.placed', orders[2]),
  },
  {
    breach: 'an event of an order that does not exist',
    check: 'one_event_per_change',
    says: /^order 77 is missing: events of placing 1,/,
    plant: () => event('order.placed', 77n),
  },
  {
    breach: 'a change of state without an event',
    check: 'one_event_per_change',
    says: /^order 2 is done: .* last none$/,
    plant: ({ orders }) =>
      `update service_order set state = 'done', look_at = null where id = ${orders[1]}`,
  },
  {
    breach: 'an order that is in progress without an event',
    check: 'one_event_per_change',
    says: /^order 1 is in_progress: .* of starting 0,/,
    plant: ({ orders }) => `update service_order set state = 'in_progress' where id = ${orders[0]}`,
  },
  {
    breach: 'an event of a change that did not happen',
    check: 'one_event_per_change',
    says: /^order 1 is pending: .* of ending 1, last order.failed$/,
    plant: ({ orders }) => event('order.failed', orders[0]),
  },
  {
    breach: 'a terminal state that was entered twice',
    check: 'one_event_per_change',
    says: /^order 3 is completed: .* of ending 2,/,
    plant: ({ orders }) => event('order.completed', orders[2]),
  },
  {
    breach: 'a terminal state that became another',
    check: 'one_event_per_change',
    says: /^order 3 is partial: .* last order.completed$/,
    plant: ({ orders }) => `update service_order set state = 'partial' where id = ${orders[2]}`,
  },
  {
    breach: 'a credit without an event',
    check: 'one_event_per_change',
    says: /^credit \d+: 0 events$/,
    plant: ({ anna }) => `insert into credit (account_id, amount, currency, reason, created_at)
      values (${anna.accountId}, 9000000, 'USD', 'gift', now())`,
  },
]

function event(kind: string, subjectId: bigint): string {
  return `insert into event (kind, subject_id, actor_kind, created_at)
    values ('${kind}', ${subjectId}, 'system', now())`
}
