import { raiseNotice } from '../../notices/raise-notice.ts'
import type { OperationContext } from '../../operation.ts'
import type { Heard } from './ask-to-refill.ts'
import { isOpen, type RefillState, wholeState, workAfter } from './refill.ts'
import {
  deleteRefills,
  readWorks,
  type StoredRefill,
  type StoredWork,
  updateRefill,
  updateWorks,
  type WorkWrite,
} from './refill-store.ts'

/** What became of a refill: unmade where its providers refused what nobody was told of. */
export type RefillOutcome = 'untaken' | 'taken' | 'refused'

/**
 * Writes what providers said of works held under `lease`, and where their locked refills stand
 * then. With `answering` whoever asked is told of those that are taken, and those that are refused
 * are unmade: nobody knows of them. Answers by refill.
 */
export async function writeHeard(
  context: OperationContext,
  o: {
    refills: ReadonlyMap<bigint, StoredRefill>
    heard: readonly Heard[]
    lease: string
    answering: boolean
  },
): Promise<ReadonlyMap<bigint, RefillOutcome>> {
  const { tx, now } = context
  const works = await readWorks(tx, [...o.refills.keys()])
  const heardOf = new Map(o.heard.map((each) => [nameOf(each), each]))
  const writes: WorkWrite[] = []
  for (const work of works) {
    const refill = o.refills.get(work.refillId)
    if (refill === undefined || work.leaseWorker !== o.lease || !isOpen(work.state)) continue
    const ageMs = now.getTime() - refill.createdAt.getTime()
    const { word, ...by } = heardOf.get(nameOf(work)) ?? UNHEARD
    const isUnasked = word.kind === 'later' && !by.wasAsked
    writes.push({ work, ...workAfter(work, word, { ...by, ageMs }), ageMs, isUnasked })
  }
  await updateWorks(tx, writes, now)
  const written = new Map(writes.map((write) => [nameOf(write.work), write]))
  const outcomes = new Map<bigint, RefillOutcome>()
  const unmade: bigint[] = []
  for (const [id, refill] of o.refills) {
    const after = works
      .filter((work) => work.refillId === id)
      .map((work): WorkStanding => written.get(nameOf(work)) ?? work)
    const outcome = outcomeOf(after)
    outcomes.set(id, outcome)
    if (o.answering && outcome === 'refused' && refill.state === 'pending' && !refill.answered) {
      unmade.push(id)
    } else {
      const answeredNow = o.answering && outcome === 'taken' && !refill.answered
      // What an operator has ended stays as he said, whatever is heard of its works later.
      const state = isOpen(refill.state)
        ? wholeState(after.map((work) => work.state))
        : refill.state
      await writeRefill(context, refill, { state, answeredNow })
    }
  }
  await deleteRefills(tx, unmade)
  return outcomes
}

const UNHEARD = { word: { kind: 'unknown' }, wasAsked: true, isIdempotent: true } as const

type WorkStanding = Pick<StoredWork, 'state' | 'ref'>

function nameOf(work: { refillId: bigint; orderId: bigint }): string {
  return `${work.refillId} ${work.orderId}`
}

/**
 * One that a provider has taken, or that an operator has completed without, is under way, whatever
 * others say or do not.
 */
export function outcomeOf(works: readonly WorkStanding[]): RefillOutcome {
  if (works.some(({ ref, state }) => ref !== null || state === 'error' || state === 'completed')) {
    return 'taken'
  }
  return works.every((work) => work.state === 'rejected') ? 'refused' : 'untaken'
}

/** Writes where a locked refill stands, with its events. */
export async function writeRefill(
  context: OperationContext,
  refill: StoredRefill,
  to: { state: RefillState; answeredNow: boolean },
): Promise<void> {
  const { id, orderId, accountId } = refill
  if (to.state === refill.state && !to.answeredNow) return
  await updateRefill(context.tx, { id, ...to, now: context.now })
  const event = { subjectId: id, accountId }
  if (to.answeredNow) {
    context.record({ kind: 'refill.requested', ...event, data: { order: String(orderId) } })
  }
  if (to.state === refill.state) return
  const data = { order: String(orderId), from: refill.state }
  context.record({ kind: `refill.${to.state}`, ...event, data })
  if (to.state === 'error') {
    const subject = `refill ${id}`
    await raiseNotice(context, { kind: 'refill.error', subject, accountId, data })
  }
}
