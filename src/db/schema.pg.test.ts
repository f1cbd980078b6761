import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { after, before, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { type TestDatabase, testDatabase } from '../../test/kit/postgres.ts'
import { dumpSchema } from './schema-dump.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
let database: TestDatabase

before(async () => {
  database = await testDatabase()
})

after(() => database.drop())

it('schema.sql is what the migrations make (else: npm run schema)', async () => {
  assert.equal(await readFile(`${root}schema.sql`, 'utf8'), await dumpSchema(database.connection))
})

it('src/db/schema.ts is what the migrations make (else: npm run schema)', async () => {
  const codegen = `${root}node_modules/kysely-codegen/dist/cli/bin.js`
  const options = ['--verify', '--config-file', `${root}.kysely-codegenrc.json`]
  await promisify(execFile)(process.execPath, [codegen, ...options, '--url', database.url], {
    cwd: root,
  })
})

it('schema.sql makes the same schema again', async () => {
  const empty = await testDatabase()
  try {
    const client = new pg.Client(empty.connection)
    await client.connect()
    try {
      await client.query('drop schema public cascade; create schema public')
      await client.query(await dumpSchema(database.connection))
    } finally {
      await client.end()
    }
    assert.equal(await dumpSchema(empty.connection), await dumpSchema(database.connection))
  } finally {
    await empty.drop()
  }
})
