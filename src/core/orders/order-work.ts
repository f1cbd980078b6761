/**
 * What is delivered, and where. `quantity` is the whole: all runs of a drip-feed, posts × max of an
 * order that follows posts. `params` is what the type asks for beside link and quantity, by the
 * names of the request's fields, each a text or a list of texts:
 *
 * - `keywords`, `comments`, `groups`, `usernames`, `hashtags`: lists.
 * - `answer_number`, `username`, `hashtag`, `media`: texts.
 * - A drip-feed: `runs` and `interval` (minutes) beside what the type asks for.
 * - An order that follows the posts of a user: `username`, `min`, `max`, `delay` (minutes), `posts`
 *   and `old_posts`, all of them given; `expiry` (YYYY-MM-DD) where it was asked for; `step`, no
 *   field of a request, where the service has one. Its link is the username.
 */
export interface OrderWork {
  readonly link: string
  readonly quantity: bigint
  readonly params: OrderParams | null
  /** Whether it is delivered in parts: its runs, or what is due for each post. */
  readonly unfolds: boolean
}

export type OrderParams = Readonly<Record<string, string | readonly string[]>>
