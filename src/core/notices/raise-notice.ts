import type { OperationContext } from '../operation.ts'
import type { NoticeDraft } from './notice.ts'
import { closeBySubject, upsertNotice } from './notice-store.ts'

type Context = Pick<OperationContext, 'tx' | 'now' | 'record'>

/** Tells the operators, within an operation. What is open already counts up, without an event. */
export async function raiseNotice(context: Context, notice: NoticeDraft): Promise<void> {
  const { id, opened } = await upsertNotice(context.tx, notice, context.now)
  if (!opened) return
  const { kind, subject } = notice
  context.record({
    kind: 'notice.raised',
    subjectId: id,
    accountId: notice.accountId ?? null,
    data: { kind, subject },
  })
}

/** Closes what was raised, since its reason is gone. Nothing where none is open. */
export async function settleNotice(
  context: Context,
  notice: Pick<NoticeDraft, 'kind' | 'subject'>,
): Promise<void> {
  const id = await closeBySubject(context.tx, notice, context.now)
  if (id !== undefined) {
    context.record({ kind: 'notice.closed', subjectId: id, accountId: null })
  }
}
