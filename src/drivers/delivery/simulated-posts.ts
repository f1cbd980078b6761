import type {
  DeliveryDriver,
  PostsAnswer,
  PostsRequest,
} from '../../core/orders/delivery-driver.ts'
import type { SimulatedWorld } from '../simulated-world.ts'
import { faulty } from './faulty.ts'

/** So many posts of a user in one answer; the cursor tells where to go on. */
const PAGE = 100

/**
 * Posts of the users whom the pretended provider knows: those that it was told of, in the order in
 * which it was. Nobody is unknown to it; most have posted nothing. Its world is simulated_post.
 */
export function simulatedPosts(world: SimulatedWorld): Required<Pick<DeliveryDriver, 'posts'>> {
  return {
    posts: (asked) =>
      faulty(world, 'posts', {
        work: () => readPosts(world, asked),
        refuse: () => asked.map((): PostsAnswer => ({ kind: 'unknown' })),
      }),
  }
}

/**
 * Has a user post these links, one after the other. Links that were posted before are left out, so
 * that a repeat posts nothing. Answers how many were new.
 */
export async function addSimulatedPosts(
  { pool }: SimulatedWorld,
  o: { username: string; links: readonly string[]; postedAt: Date },
): Promise<number> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query('lock table simulated_post in share row exclusive mode')
    const { rowCount } = await client.query(
      `insert into simulated_post (username, position, link, posted_at)
       select $1, coalesce((select max(position) from simulated_post where username = $1), 0)
         + row_number() over (order by i.at), i.link, $3
       from (select link, min(at) as at from unnest($2::text[]) with ordinality as l (link, at)
         group by link) i
       where not exists (
         select from simulated_post p where p.username = $1 and p.link = i.link)`,
      [o.username, o.links, o.postedAt],
    )
    await client.query('commit')
    client.release()
    return rowCount ?? 0
  } catch (error) {
    // Whatever state the connection is in, its end undoes what was begun.
    client.release(true)
    throw error
  }
}

interface PostRow {
  at: bigint
  position: number
  link: string
  posted_at: Date
}

async function readPosts(
  { pool }: SimulatedWorld,
  asked: readonly PostsRequest[],
): Promise<readonly PostsAnswer[]> {
  const { rows } = await pool.query<PostRow>(
    `select i.at, p.position, p.link, p.posted_at
     from rows from (unnest($1::text[]), unnest($2::integer[]))
       with ordinality as i (username, seen, at)
     cross join lateral (
       select * from simulated_post p where p.username = i.username and p.position > i.seen
       order by p.position limit ${PAGE}
     ) p
     order by i.at, p.position`,
    [asked.map((each) => each.username), asked.map((each) => Number(each.cursor ?? 0))],
  )
  const pages = Map.groupBy(rows, (row) => Number(row.at))
  return asked.map(({ username, cursor }, index) => {
    const page = pages.get(index + 1) ?? []
    const last = page.at(-1)
    return {
      kind: 'known',
      posts: page.map((row) => ({
        ref: `sim-post-${username}-${row.position}`,
        link: row.link,
        postedAt: row.posted_at,
      })),
      cursor: last === undefined ? cursor : String(last.position),
    }
  })
}
