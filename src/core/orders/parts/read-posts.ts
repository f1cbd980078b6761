import type { DeliveryDriver, Post } from '../delivery-driver.ts'
import type { PostsSeen } from './unfolding.ts'

/** What was asked for of a user's posts, and where the reading began. */
export interface PostsAsked {
  readonly wholeId: bigint
  readonly username: string
  readonly cursor: string | null
  /** Whether they were never read before. */
  readonly first: boolean
}

/** What a reading of posts has brought, and between which cursors. */
export interface PostsReading extends PostsSeen {
  readonly from: string | null
  readonly to: string | null
}

/** The first reading goes through all that a user ever posted, a page at a time. */
const FIRST_PAGES_MAX = 1_000
/** A user's posts are read in as few calls as there are pages of them. */
const CALL_MAX = 100

/**
 * Reads the posts that `asked` have not seen, by the whole. One that is missing was not answered,
 * and is asked again at its next turn; so is everything where the driver fails.
 */
export async function readPosts(
  driver: DeliveryDriver,
  asked: readonly PostsAsked[],
): Promise<ReadonlyMap<bigint, PostsReading>> {
  const readings = new Map<bigint, PostsReading>()
  for (let at = 0; at < asked.length; at += CALL_MAX) {
    const some = asked.slice(at, at + CALL_MAX)
    const answers = await driver.posts?.(some.map(({ username, cursor }) => ({ username, cursor })))
    for (const [index, { wholeId, username, cursor, first }] of some.entries()) {
      const answer = answers?.[index]
      if (answer?.kind !== 'known') continue
      const page = { posts: answer.posts, to: answer.cursor }
      const rest = first ? await readOn(driver, username, page) : page
      if (rest !== undefined) readings.set(wholeId, { ...rest, first, from: cursor })
    }
  }
  return readings
}

interface Page {
  readonly posts: readonly Post[]
  readonly to: string | null
}

/** The pages after `page`, to the last; undefined where one was not answered. */
async function readOn(
  driver: DeliveryDriver,
  username: string,
  page: Page,
): Promise<Page | undefined> {
  const posts = [...page.posts]
  let { to } = page
  let more = page.posts.length > 0
  for (let pages = 1; more && to !== null && pages < FIRST_PAGES_MAX; pages++) {
    const answer = (await driver.posts?.([{ username, cursor: to }]))?.[0]
    if (answer?.kind !== 'known') return undefined
    posts.push(...answer.posts)
    to = answer.cursor
    more = answer.posts.length > 0
  }
  return { posts, to }
}
