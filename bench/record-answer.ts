import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bench } from './bench.ts'

/** What Purser answers to `form`, also in a file for the bare route to answer likewise. */
export async function recordAnswer(
  bench: Bench,
  o: { url: string; form: string },
): Promise<{ text: string; file: string }> {
  const answer = await fetch(o.url, {
    method: 'POST',
    body: o.form,
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'accept-encoding': 'identity' },
  })
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(`nothing to record: ${text}`)
  const file = join(bench.dir, 'recorded.json')
  await writeFile(file, text)
  return { text, file }
}
