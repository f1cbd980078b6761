/** Writes openapi/<name>.json from what the code takes and answers. No database is asked. */
import { mkdir, writeFile } from 'node:fs/promises'
import { describedDocuments } from '../test/kit/described-documents.ts'

const folder = new URL('../openapi/', import.meta.url)
await mkdir(folder, { recursive: true })
for (const [name, document] of await describedDocuments()) {
  await writeFile(new URL(`${name}.json`, folder), `${JSON.stringify(document, null, 2)}\n`)
  process.stdout.write(`openapi/${name}.json\n`)
}
