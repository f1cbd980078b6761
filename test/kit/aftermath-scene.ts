/** Books with what comes after orders have ended: refills, corrections, and an end by hand. */
import type { OperatorActor } from '../../src/core/actor.ts'
import { SYSTEM } from '../../src/core/actor.ts'
import { execute } from '../../src/core/execute.ts'
import type { Operation } from '../../src/core/operation.ts'
import {
  confirmCorrection,
  dismissCorrection,
} from '../../src/core/orders/corrections/decide-correction.ts'
import { proposeCorrections } from '../../src/core/orders/corrections/propose-corrections.ts'
import { setRefillState } from '../../src/core/orders/refills/set-refill-state.ts'
import { setOrderStatus } from '../../src/core/orders/set-order-status.ts'
import type { Books } from './books.ts'
import { newPartScene, type PartScene } from './part-breaches.ts'

export interface AftermathScene extends PartScene {
  /** An order in two parts that an operator ended: one at its provider, one canceled with it. */
  readonly doneId: bigint
  readonly doneParts: readonly [bigint, bigint]
  /** Of the order in parts, completed · of the third order, under way · of the fourth, by hand. */
  readonly refills: readonly [bigint, bigint, bigint]
  /** Of the third order, of 0.40 each: confirmed for 0.30 · dismissed; of the first part: open. */
  readonly corrections: readonly [bigint, bigint, bigint]
}

const OPERATOR: OperatorActor = { kind: 'operator', operatorId: 1n }
const UNIT = 1_000_000n

export async function newAftermathScene(): Promise<AftermathScene> {
  const scene = await newPartScene()
  const { books, orders, partIds } = scene
  await books.tamper(`update service_order set provider_ref = 'ref-' || id, submit_asked_at = now()
    where state in ('completed', 'partial') and not unfolds`)
  const ended = await endByHand(scene)
  const refills = await addRefills(scene)
  const confirmed = await propose(books, orders[2], 10n)
  await operate(books, confirmCorrection, {
    correctionId: confirmed,
    amountMicros: 300_000n,
    reason: 'Less was delivered.',
  })
  const dismissed = await propose(books, orders[2], 20n)
  await operate(books, dismissCorrection, { correctionId: dismissed })
  const open = await propose(books, partIds[0], 5n)
  return { ...scene, ...ended, refills, corrections: [confirmed, dismissed, open] }
}

async function operate<I, O>(books: Books, operation: Operation<I, O>, input: I): Promise<O> {
  const actor = operation.permission === 'system' ? SYSTEM : OPERATOR
  return (await execute(books.funnel, operation, { actor, input, idempotencyKey: null })).output
}

async function endByHand({ books, anna }: PartScene) {
  const doneId = await books.order(anna, 4n * UNIT)
  const doneParts = [await books.order(anna, 0n), await books.order(anna, 0n)] as const
  await books.tamper(`
    update service_order set unfolds = true where id = ${doneId};
    update service_order set parent_id = ${doneId}, part = id - ${doneId}, quantity = 50,
      remains = 50, provider_ref = case id when ${doneParts[0]} then 'ref-' || id end
    where id in (${doneParts});
    update event set kind = 'order_part.placed' where subject_id in (${doneParts})`)
  await operate(books, setOrderStatus, { orderId: doneId, state: 'partial', remains: 30n })
  return { doneId, doneParts }
}

async function addRefills({ books, anna, wholeId, partIds, orders }: PartScene) {
  const [, , third, fourth] = orders
  const works = [
    [1, partIds[0], `'taken-1'`, 'completed'],
    [1, partIds[1], 'null', 'rejected'],
    [2, third, `'taken-2'`, 'in_progress'],
    [3, fourth, 'null', 'pending'],
  ] as const
  await books.tamper(`
    insert into refill (id, order_id, account_id, state, created_at, updated_at, ended_at,
      answered_at)
    values (1, ${wholeId}, ${anna.accountId}, 'completed', now(), now(), now(), now()),
      (2, ${third}, ${anna.accountId}, 'in_progress', now(), now(), null, now()),
      (3, ${fourth}, ${anna.accountId}, 'pending', now(), now(), null, null);
    insert into refill_work (refill_id, order_id, provider, order_ref, ref, state, asked_at, look_at)
    select i.refill_id, i.order_id, 'simulated', 'ref-' || i.order_id, i.ref, i.state, now(),
      case when i.state in ('pending', 'in_progress') then now() end
    from (values ${works.map(([id, order, ref, state]) => `(${id}, ${order}, ${ref}, '${state}')`)})
      as i (refill_id, order_id, ref, state);
    insert into event (kind, subject_id, actor_kind, created_at) values
      ('refill.requested', 1, 'key', now()), ('refill.in_progress', 1, 'system', now()),
      ('refill.completed', 1, 'system', now()), ('refill.requested', 2, 'key', now()),
      ('refill.in_progress', 2, 'system', now())`)
  await operate(books, setRefillState, { refillId: 3n, state: 'completed' })
  return [1n, 2n, 3n] as const
}

async function propose(books: Books, orderId: bigint, remains: bigint): Promise<bigint> {
  const operation: Operation<null, { changed: number }> = {
    name: 'test.revise',
    permission: 'system',
    run: async (context) => ({
      changed: await proposeCorrections(context, [{ orderId, state: 'partial', remains }]),
    }),
  }
  await operate(books, operation, null)
  const { rows } = await books.database.pool.query<{ id: bigint }>(
    `select id from correction where order_id = $1 and state = 'open'`,
    [orderId],
  )
  return rows[0]?.id ?? -1n
}
