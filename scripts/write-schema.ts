/** `npm run schema`: schema.sql and src/db/schema.ts, from a database with all migrations. */
import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { dumpSchema } from '../src/db/schema-dump.ts'
import { testDatabase } from '../test/kit/postgres.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const database = await testDatabase()
try {
  await writeFile(`${root}schema.sql`, await dumpSchema(database.connection))
  // On the path of every npm script.
  const options = ['--config-file', '.kysely-codegenrc.json', '--url', database.url]
  execFileSync('kysely-codegen', options, { cwd: root, stdio: 'inherit' })
} finally {
  await database.drop()
}
