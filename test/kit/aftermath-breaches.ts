/** What can be wrong with what comes after an order's end, as SQL to be run with the guards off. */
import type { AftermathScene } from './aftermath-scene.ts'

export interface AftermathPlant {
  readonly breach: string
  readonly check: string
  readonly says: RegExp
  /** What is done with the guards off. */
  plant(scene: AftermathScene): string
}

const REFILLS = 'refills_fit_their_orders'
const CORRECTIONS = 'corrections_fit_their_refunds'
const EVENTS = 'one_event_per_change'

const ENDS: readonly AftermathPlant[] = [
  {
    breach: 'an order ended by hand with a part that is yet to be handed over',
    check: 'parts_add_up',
    says: /^order \d+ is partial: .* open 1, nowhere 1$/,
    plant: ({ doneParts }) =>
      `update service_order set provider_ref = null where id = ${doneParts[0]}`,
  },
  {
    breach: 'an order done by hand with a part that is yet to be handed over',
    check: 'parts_add_up',
    says: /^order \d+ is done: .* open 1, nowhere 1$/,
    plant: ({ doneId, doneParts }) => `
      update service_order set state = 'done' where id = ${doneId};
      update event set kind = 'order.done'
      where subject_id = ${doneId} and kind = 'order.partial';
      update service_order set provider_ref = null where id = ${doneParts[0]}`,
  },
  {
    breach: 'an order done by nobody in particular, before its parts',
    check: 'parts_add_up',
    says: /^order \d+ is done: .* open 1, nowhere 0$/,
    plant: ({ doneId }) => `
      update service_order set state = 'done' where id = ${doneId};
      update event set kind = 'order.done', actor_kind = 'system'
      where subject_id = ${doneId} and kind = 'order.partial'`,
  },
  {
    breach: 'an order ended by hand that gave back another share than it says',
    check: 'refunds_within_charge',
    says: /^order \d+ is partial: charge 4, remains 40 of 100, given back as partial 1.2, /,
    plant: ({ doneId }) => `update service_order set remains = 40 where id = ${doneId}`,
  },
  {
    breach: 'an order that gave back more than its share',
    check: 'refunds_within_charge',
    says: /^order 4 is partial: charge 4, remains 10 of 100, given back as partial 1, in all 1$/,
    plant: ({ orders }) => `update service_order set remains = 10 where id = ${orders[3]}`,
  },
  {
    breach: 'an order that gave back for another end than its own',
    check: 'refunds_within_charge',
    says: /^order 4 is partial: charge 4, remains 25 of 100, given back as canceled 1, in all 1$/,
    plant: ({ orders }) =>
      `update order_refund set cause = 'canceled' where order_id = ${orders[3]}`,
  },
  {
    breach: 'an order that failed and was not given back',
    check: 'refunds_within_charge',
    says: /^order 3 is failed: charge 4, remains 0 of 100, given back as none 0, in all 0.3$/,
    plant: ({ orders }) => `update service_order set state = 'failed' where id = ${orders[2]}`,
  },
  {
    breach: 'an order that goes on and gave back for its end',
    check: 'refunds_within_charge',
    says: /^order 4 is in_progress: .* given back as partial 1, in all 1$/,
    plant: ({ orders }) => `update service_order set state = 'in_progress', look_at = now()
      where id = ${orders[3]}`,
  },
]

const REFILL_PLANTS: readonly AftermathPlant[] = [
  {
    breach: 'a refill of an order that does not exist',
    check: REFILLS,
    says: /^refill 2 of order 999999 is in_progress: there is no such order$/,
    plant: () => 'update refill set order_id = 999999 where id = 2',
  },
  {
    breach: 'a refill of a part',
    check: REFILLS,
    says: /^refill 2 of order \d+ is in_progress: that is a part of order \d+$/,
    plant: ({ partIds }) => `update refill set order_id = ${partIds[0]} where id = 2`,
  },
  {
    breach: "a refill of another customer's order",
    check: REFILLS,
    says: /^refill 2 of order 3 is in_progress: that is of another account$/,
    plant: ({ bert }) => `update refill set account_id = ${bert.accountId} where id = 2`,
  },
  {
    breach: 'a refill of an order that was canceled',
    check: REFILLS,
    says: /^refill 2 of order 3 is in_progress: that is canceled$/,
    plant: ({ orders }) => `update service_order set state = 'canceled' where id = ${orders[2]}`,
  },
  {
    breach: 'a refill that ended at no time',
    check: REFILLS,
    says: /^refill 1 of order \d+ is completed: ended at no time$/,
    plant: () => `alter table refill drop constraint refill_ended;
      update refill set ended_at = null where id = 1`,
  },
  {
    breach: 'an open refill before another of its order',
    check: REFILLS,
    says: /^refill 2 of order 3 is in_progress: there is a later one$/,
    plant: ({ orders, anna }) => `insert into refill (id, order_id, account_id, state, created_at,
      updated_at, ended_at)
      values (4, ${orders[2]}, ${anna.accountId}, 'rejected', now(), now(), now())`,
  },
  {
    breach: 'a refill that nobody is asked for',
    check: REFILLS,
    says: /^refill 2 of order 3 is in_progress: nobody is asked for it$/,
    plant: () =>
      'delete from refill_work where refill_id = 2; update refill set id = 2 where id = 2',
  },
  {
    breach: 'a refill that somebody was told of and nobody has taken',
    check: REFILLS,
    says: /^refill 2 of order 3 is in_progress: told of, and nobody has taken it$/,
    plant: () => 'update refill_work set ref = null where refill_id = 2',
  },
  {
    breach: 'a refill that ended otherwise than its works',
    check: REFILLS,
    says: /^refill 1 of order \d+ is rejected: its works make it completed$/,
    plant: () => `update refill set state = 'rejected' where id = 1;
      update event set kind = 'refill.rejected' where kind = 'refill.completed' and subject_id = 1`,
  },
  {
    breach: 'a refill that an operator ended with works that go on',
    check: REFILLS,
    says: /^refill 3 of order 4 is completed: its works make it pending$/,
    plant: () => `update refill_work set state = 'pending', look_at = now() where refill_id = 3`,
  },
  {
    breach: 'a work of a refill that does not exist',
    check: REFILLS,
    says: /^refill 77, 3 at simulated as ref-3, is in_progress: there is no such refill$/,
    plant: () => 'update refill_work set refill_id = 77 where refill_id = 2',
  },
  {
    breach: 'a work of a delivery that does not exist',
    check: REFILLS,
    says: /^refill 2, 999999 at .*: there is no such order$/,
    plant: () => 'update refill_work set order_id = 999999 where refill_id = 2',
  },
  {
    breach: "a work of another order's delivery",
    check: REFILLS,
    says: /^refill 2, \d+ at .*: that is no delivery of order 3$/,
    plant: ({ partIds }) => `update refill_work set order_id = ${partIds[0]} where refill_id = 2`,
  },
  {
    breach: 'a work of a delivery that failed',
    check: REFILLS,
    says: /^refill 1, \d+ at .*: the delivery is failed$/,
    plant: ({ partIds }) => `update service_order set state = 'failed' where id = ${partIds[1]}`,
  },
  {
    breach: 'a work under another number than its delivery',
    check: REFILLS,
    says: /^refill 2, 3 at simulated as ref-4, .*: that was delivered at simulated as ref-3$/,
    plant: () => `update refill_work set order_ref = 'ref-4' where refill_id = 2`,
  },
  {
    breach: 'a work that its provider took without being asked',
    check: REFILLS,
    says: /^refill 2, 3 at .*: taken, and never asked for$/,
    plant: () => 'update refill_work set asked_at = null where refill_id = 2',
  },
  {
    breach: 'a work that was completed and has no number',
    check: REFILLS,
    says: /^refill 1, \d+ at .* is completed: the provider has no number for it$/,
    plant: () => `update refill_work set ref = null where refill_id = 1 and state = 'completed'`,
  },
  {
    breach: 'a refill that ended without an event',
    check: EVENTS,
    says: /^refill 1 is error: .* of ending 1, last refill.completed$/,
    plant: () => `update refill set state = 'error' where id = 1`,
  },
  {
    breach: 'a refill that ended twice',
    check: EVENTS,
    says: /^refill 1 is completed: events of asking 1, of ending 2,/,
    plant: () => `insert into event (kind, subject_id, actor_kind, created_at)
      values ('refill.rejected', 1, 'system', now())`,
  },
  {
    breach: 'a refill that somebody was told of without an event',
    check: EVENTS,
    says: /^refill 3 is completed: events of asking 0, of ending 1,/,
    plant: () => 'update refill set answered_at = now() where id = 3',
  },
]

const CORRECTION_PLANTS: readonly AftermathPlant[] = [
  {
    breach: 'a correction of an order that does not exist',
    check: CORRECTIONS,
    says: /^correction \d+ of order 999999 is open: there is no such order$/,
    plant: ({ corrections }) =>
      `update correction set order_id = 999999 where id = ${corrections[2]}`,
  },
  {
    breach: 'a correction of an order in parts',
    check: CORRECTIONS,
    says: /^correction \d+ of order \d+ is open: that is delivered in parts$/,
    plant: ({ corrections, wholeId }) =>
      `update correction set order_id = ${wholeId} where id = ${corrections[2]}`,
  },
  {
    breach: 'a correction of an order that goes on',
    check: CORRECTIONS,
    says: /^correction \d+ of order 1 is open: that is pending$/,
    plant: ({ corrections, orders }) =>
      `update correction set order_id = ${orders[0]} where id = ${corrections[2]}`,
  },
  {
    breach: "a correction of another customer's order",
    check: CORRECTIONS,
    says: /^correction \d+ of order \d+ is open: that is of another account$/,
    plant: ({ corrections, bert }) =>
      `update correction set account_id = ${bert.accountId} where id = ${corrections[2]}`,
  },
  {
    breach: 'a correction of what was decided before',
    check: CORRECTIONS,
    says: /^correction \d+ of order 3 is dismissed: remains 20 of 100, 20 known before$/,
    plant: ({ corrections }) => `update correction set remains = 20 where id = ${corrections[0]}`,
  },
  {
    breach: 'a correction of more than there was',
    check: CORRECTIONS,
    says: /^correction \d+ of order \d+ is open: remains 51 of 50, 0 known before$/,
    plant: ({ corrections }) => `update correction set remains = 51 where id = ${corrections[2]}`,
  },
  {
    breach: 'a correction of more than its share',
    check: CORRECTIONS,
    says: /^correction \d+ of order \d+ is open: amount 0.200001, its share is 0.2$/,
    plant: ({ corrections }) =>
      `update correction set amount = 200001 where id = ${corrections[2]}`,
  },
  {
    breach: 'an open correction before another of its delivery',
    check: CORRECTIONS,
    says: /^correction \d+ of order 3 is open: there is a later one$/,
    plant: ({ corrections }) =>
      `update correction set state = 'open', decided_at = null where id = ${corrections[0]}`,
  },
  {
    breach: 'a correction that was decided at no time',
    check: CORRECTIONS,
    says: /^correction \d+ of order 3 is dismissed: decided at no time$/,
    plant: ({ corrections }) => `alter table correction drop constraint correction_decided;
      update correction set decided_at = null where id = ${corrections[1]}`,
  },
  {
    breach: 'a correction that was confirmed and gave nothing back',
    check: CORRECTIONS,
    says: /^correction \d+ of order 3 is confirmed: refunds told of with that 1, made 0$/,
    plant: ({ orders }) => `
      delete from order_refund where order_id = ${orders[2]};
      update service_order set refunded = 0 where id = ${orders[2]}`,
  },
  {
    breach: 'a correction that gave back another amount than was confirmed',
    check: CORRECTIONS,
    says: /^correction \d+ of order 3 is confirmed: refunds told of with that 1, made 0$/,
    plant: ({ orders }) => `
      update order_refund set amount = 400000 where order_id = ${orders[2]};
      update service_order set refunded = 400000 where id = ${orders[2]}`,
  },
  {
    breach: 'a correction that was confirmed without a word of a refund',
    check: CORRECTIONS,
    says: /^correction \d+ of order 3 is confirmed: refunds told of with that 0, made 0$/,
    plant: ({ orders }) => `
      delete from event where subject_id = ${orders[2]} and kind = 'order.refunded';
      update service_order set id = id where id = ${orders[2]}`,
  },
  {
    breach: 'a correction that was dismissed and gave back',
    check: CORRECTIONS,
    says: /^correction \d+ of order 3 is dismissed: refunds told of with that 1, made 1$/,
    plant: ({ orders }) => `
      update event set kind = 'order.correction_proposed'
      where subject_id = ${orders[2]} and kind = 'order.correction_dismissed';
      update event set kind = 'order.correction_dismissed', data = jsonb_set(data, '{correction}',
        (select to_jsonb(id::text) from correction where order_id = ${orders[2]}
          and state = 'dismissed'))
      where subject_id = ${orders[2]} and kind = 'order.correction_confirmed';
      update service_order set id = id where id = ${orders[2]}`,
  },
  {
    breach: 'a correction that was decided without an event',
    check: EVENTS,
    says: /^correction \d+ of order \d+ is dismissed: events of proposing 1, .* of dismissing 0$/,
    plant: ({ corrections }) => `update correction set state = 'dismissed', decided_at = now()
      where id = ${corrections[2]}`,
  },
  {
    breach: 'a correction that nobody proposed',
    check: EVENTS,
    says: /^correction 77 of order \d+ is open: events of proposing 0,/,
    plant: ({ partIds, anna }) => `
      insert into correction (id, order_id, account_id, reported_state, remains, amount, created_at)
      values (77, ${partIds[1]}, ${anna.accountId}, 'partial', 25, 200000, now())`,
  },
]

export const AFTERMATH_PLANTS = [...ENDS, ...REFILL_PLANTS, ...CORRECTION_PLANTS]
