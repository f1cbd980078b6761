import type { Operation } from '../operation.ts'
import type { Notice } from './notice.ts'
import { closeById } from './notice-store.ts'
import { readNotice } from './notice-views.ts'

/** An operator has seen to it. One that is closed stays as it is. Refuses `not_found`. */
export const closeNotice: Operation<{ noticeId: bigint }, Notice> = {
  name: 'notice.close',
  permission: 'operator',
  async run({ tx, now, record }, { noticeId }) {
    const closed = await closeById(tx, noticeId, now)
    if (closed !== undefined) {
      record({ kind: 'notice.closed', subjectId: closed, accountId: null })
    }
    return await readNotice(tx, noticeId)
  },
}
