import type { Json } from '../../db/schema.ts'

/**
 * What operators have to know of and see to. A notice of one kind about one thing is open once:
 * raised again, it counts up. It is closed by an operator, or by Purser once the trouble is over.
 */
export interface Notice {
  readonly id: string
  readonly kind: string
  readonly subject: string
  readonly accountId: string | null
  readonly data: Json | null
  /** How often it was raised since it opened. */
  readonly times: number
  readonly createdAt: string
  readonly updatedAt: string
  readonly closedAt: string | null
}

/** What is raised: `data` holds ids, words and amounts, never a secret. */
export interface NoticeDraft {
  readonly kind: string
  readonly subject: string
  readonly accountId?: bigint | null
  readonly data?: Json
}
