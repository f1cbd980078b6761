import type { OperationContext } from '../operation.ts'
import type { NoticeDraft } from './notice.ts'
import { closeBySubject, upsertNotices } from './notice-store.ts'

type Context = Pick<OperationContext, 'tx' | 'now' | 'record'>

/** Tells the operators, within an operation. What is open already counts up, without an event. */
export async function raiseNotice(context: Context, notice: NoticeDraft): Promise<void> {
  await raiseNotices(context, [notice])
}

/** Many at once, each about another thing. */
export async function raiseNotices(
  { tx, now, record }: Context,
  notices: readonly NoticeDraft[],
): Promise<void> {
  if (notices.length === 0) return
  for (const { id, kind, subject, accountId } of await upsertNotices(tx, notices, now)) {
    record({ kind: 'notice.raised', subjectId: id, accountId, data: { kind, subject } })
  }
}

/** Closes what was raised, since its reason is gone. Nothing where none is open. */
export async function settleNotice(
  context: Context,
  { kind, subject }: Pick<NoticeDraft, 'kind' | 'subject'>,
): Promise<void> {
  await settleNotices(context, { kind, subjects: [subject] })
}

/** Closes what was raised about these things, since the reason is gone. */
export async function settleNotices(
  { tx, now, record }: Context,
  o: { kind: string; subjects: readonly string[] },
): Promise<void> {
  if (o.subjects.length === 0) return
  for (const subjectId of await closeBySubject(tx, o, now)) {
    record({ kind: 'notice.closed', subjectId, accountId: null })
  }
}
