import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { type AddressInfo, createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import pg from 'pg'
import { fillDatabase, placeOrders } from '../../test/kit/filled-database.ts'
import { type TestDatabase, testDatabase } from '../../test/kit/postgres.ts'
import { backup } from './backup.ts'
import { restore } from './restore.ts'

const quiet = (): void => {}

let folder: string
let source: TestDatabase
let client: pg.Client
const databases: TestDatabase[] = []
const clients: pg.Client[] = []

async function newDatabase(): Promise<TestDatabase> {
  const database = await testDatabase()
  databases.push(database)
  return database
}

async function connect(database: TestDatabase): Promise<pg.Client> {
  const connected = new pg.Client(database.connection)
  connected.on('error', quiet)
  await connected.connect()
  clients.push(connected)
  return connected
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'purser-backup-'))
  source = await newDatabase()
  client = await connect(source)
  await fillDatabase(client)
})

after(async () => {
  for (const connected of clients) await connected.end()
  for (const database of databases) await database.drop()
  await rm(folder, { recursive: true, force: true })
})

/** Every table as `rows hash`, where the hash is of the rows' text in order. */
async function contents(of: pg.Client): Promise<Map<string, string>> {
  await of.query(`set timezone = 'UTC'`)
  const tables = await of.query<{ name: string }>(`
    select relname::text as name from pg_class
    where relkind = 'r' and relnamespace = 'public'::regnamespace order by relname`)
  const found = new Map<string, string>()
  for (const { name } of tables.rows) {
    const row = name === 'installation' ? `(to_jsonb(t) - 'restore_epoch')::text` : 't::text'
    const { rows } = await of.query<{ line: string }>(
      `select count(*) || ' ' || coalesce(md5(string_agg(${row}, e'\\n' order by ${row} collate "C")),
        'empty') as line from "${name}" t`,
    )
    found.set(name, rows[0]!.line)
  }
  return found
}

/** The next value of each sequence, without taking it. */
async function nextValues(of: pg.Client): Promise<Map<string, bigint>> {
  const names = await of.query<{ name: string; step: string }>(`
    select c.relname::text as name, s.seqincrement as step
    from pg_sequence s join pg_class c on c.oid = s.seqrelid order by 1`)
  const found = new Map<string, bigint>()
  for (const { name, step } of names.rows) {
    const { rows } = await of.query<{ last_value: string; is_called: boolean }>(
      `select last_value, is_called from "${name}"`,
    )
    const { last_value, is_called } = rows[0]!
    found.set(name, BigInt(last_value) + (is_called ? BigInt(step) : 0n))
  }
  return found
}

/** What no snapshot of any moment may break. */
async function assertBooksBalance(of: pg.Client): Promise<void> {
  const { rows } = await of.query(`
    select a.id from ledger_account a
    left join lateral (
      select sum(case when t.credit_id = a.id then t.amount else -t.amount end) as total
      from transfer t where a.id in (t.credit_id, t.debit_id)
    ) s on true
    where a.balance is not null and a.balance <> coalesce(s.total, 0)
    union all
    select o.id from service_order o
    where not exists (
      select from transfer t where t.cause_kind = 'order' and t.cause_id = o.id)
      or not exists (select from event e where e.kind = 'order.placed' and e.subject_id = o.id)`)
  assert.deepEqual(rows, [])
}

/** A way to the same server that breaks once so many bytes have come back. */
async function cutConnection(
  bytesMax: number,
): Promise<{ endpoint: { host: string; port: number }; close(): void }> {
  const { host, port } = source.connection
  const server = createServer((near) => {
    const far = host.startsWith('/')
      ? createConnection(`${host}/.s.PGSQL.${port}`)
      : createConnection(port, host)
    let bytes = 0
    far.on('data', (chunk) => {
      bytes += chunk.length
      if (bytes > bytesMax) near.destroy()
      else near.write(chunk)
    })
    near.pipe(far)
    near.on('close', () => far.destroy())
    for (const end of [near, far]) end.on('error', quiet)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const endpoint = { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
  return { endpoint, close: () => void server.close() }
}

describe('a backup and its restoration', () => {
  it('brings back every row of every table, every sequence and every guard', async () => {
    const file = join(folder, 'whole')
    const taken = await backup({ connection: source.connection, file, log: quiet })
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    const target = await newDatabase()
    const restored = await restore({ connection: target.connection, file, log: quiet })
    assert.deepEqual(restored, taken)

    const copy = await connect(target)
    const expected = await contents(client)
    for (const [name, line] of expected) {
      if (name !== 'rate_window') assert.match(line, /^[1-9]/, `the test has no row in ${name}`)
    }
    expected.set('rate_window', '0 empty')
    assert.deepEqual(await contents(copy), expected)
    const [next, before] = [await nextValues(copy), await nextValues(client)]
    // Gateways remember what was charged after the backup.
    const charges = 'card_charge_id_seq'
    assert.ok(next.get(charges)! > before.get(charges)! + 1_000_000_000n)
    assert.deepEqual(next.set(charges, 0n), before.set(charges, 0n))
    const guards = `
      select c.relname || ' ' || k.conname || ' ' || k.convalidated::text || pg_get_constraintdef(k.oid)
      from pg_constraint k join pg_class c on c.oid = k.conrelid
      union all select tgrelid::regclass || ' ' || tgname || ' ' || tgenabled::text from pg_trigger
      where not tgisinternal order by 1`
    assert.deepEqual((await copy.query(guards)).rows, (await client.query(guards)).rows)
  })

  it('takes one moment while others write', async () => {
    const file = join(folder, 'busy')
    const writers = await Promise.all([connect(source), connect(source), connect(source)])
    let writing = true
    const written = writers.map(async (writer) => {
      for (let i = 0; writing; i++) await placeOrders(writer, (i % 7) + 1)
    })
    await backup({ connection: source.connection, file, log: quiet })
    writing = false
    await Promise.all(written)
    const target = await newDatabase()
    await restore({ connection: target.connection, file, log: quiet })
    const copy = await connect(target)
    await assertBooksBalance(copy)
    const rows = `select t::text as line from transfer t order by id`
    const all = new Set((await client.query<{ line: string }>(rows)).rows.map((row) => row.line))
    const kept = (await copy.query<{ line: string }>(rows)).rows
    assert.ok(kept.length < all.size, 'nothing was written during the backup')
    assert.deepEqual(
      kept.filter((row) => !all.has(row.line)),
      [],
    )
  })

  it('leaves a database that goes on: fresh numbers, moved balances, later events', async () => {
    const file = join(folder, 'going-on')
    await backup({ connection: source.connection, file, log: quiet })
    const target = await newDatabase()
    await restore({ connection: target.connection, file, log: quiet })
    const copy = await connect(target)
    const before = (await copy.query('select max(id) as id from service_order')).rows[0].id
    await placeOrders(copy, 10)
    await assertBooksBalance(copy)
    const fresh = await copy.query('select id from service_order where id > $1', [before])
    assert.equal(fresh.rowCount, 10)
    const last = await copy.query(
      'select subject_id from event order by restore_epoch desc, tx_id desc, id desc limit 10',
    )
    assert.deepEqual(
      new Set(last.rows.map((row) => row.subject_id)),
      new Set(fresh.rows.map((row) => row.id)),
    )
    await assert.rejects(copy.query('delete from transfer'), /never changed or deleted/)
    await assert.rejects(copy.query('delete from account where id = 1'), /foreign key/)

    const again = join(folder, 'again')
    await backup({ connection: target.connection, file: again, log: quiet })
    const third = await newDatabase()
    await restore({ connection: third.connection, file: again, log: quiet })
    const epoch = 'select restore_epoch from installation'
    const second = (await copy.query(epoch)).rows[0].restore_epoch
    assert.ok((await (await connect(third)).query(epoch)).rows[0].restore_epoch > second)
  })

  it('needs no superuser, and starts from an empty database too', async () => {
    const file = join(folder, 'plain-user')
    await backup({ connection: source.connection, file, log: quiet })
    const name = `plain_${process.pid}`
    await client.query(`create role ${name} login password 'secret'`)
    await client.query(`create database ${name} owner ${name}`)
    try {
      const plain = { ...source.connection, user: name, password: 'secret', database: name }
      await restore({ connection: plain, file, log: quiet })
      const copy = new pg.Client(plain)
      await copy.connect()
      const restored = await contents(copy)
      await copy.end()
      const expected = await contents(client)
      expected.set('rate_window', '0 empty')
      assert.deepEqual(restored, expected)
    } finally {
      await client.query(`drop database ${name} with (force)`)
      await client.query(`drop role ${name}`)
    }
  })
})

describe('a restoration refuses', () => {
  let file: string

  before(async () => {
    file = join(folder, 'good')
    await backup({ connection: source.connection, file, log: quiet })
  })

  it('a database that holds data, and changes nothing there', async () => {
    const held = await contents(client)
    await assert.rejects(
      restore({ connection: source.connection, file, log: quiet }),
      /not fresh, it has rows in account, account_rate/,
    )
    assert.deepEqual(await contents(client), held)
  })

  it('a database of somebody else', async () => {
    const target = await newDatabase()
    const other = await connect(target)
    await other.query(
      'drop schema public cascade; create schema public; create table mine (id integer)',
    )
    await assert.rejects(
      restore({ connection: target.connection, file, log: quiet }),
      /not Purser's: it has a table mine/,
    )
  })

  it('a database that a Purser is serving', async () => {
    const target = await newDatabase()
    const serving = new pg.Client({ ...target.connection, application_name: 'purser' })
    await serving.connect()
    await assert.rejects(
      restore({ connection: target.connection, file, log: quiet }),
      /another Purser is using this database/,
    )
    await serving.end()
  })

  it('a backup of a newer schema or of other migrations', async () => {
    const other = await newDatabase()
    const changed = await connect(other)
    const target = await newDatabase()
    const copy = await connect(target)
    const fresh = await contents(copy)
    const newer = join(folder, 'newer')
    await changed.query(`insert into migration values (9999, '9999_later.sql')`)
    await backup({ connection: other.connection, file: newer, log: quiet })
    await assert.rejects(
      restore({ connection: target.connection, file: newer, log: quiet }),
      /the backup has schema 9999, this version of Purser knows \d+/,
    )
    await changed.query(`delete from migration where number = 9999`)
    await changed.query(`update migration set name = '0001_fork.sql' where number = 1`)
    await backup({ connection: other.connection, file: newer, log: quiet })
    await assert.rejects(
      restore({ connection: target.connection, file: newer, log: quiet }),
      /its migrations differ \(0001_fork.sql\)/,
    )
    assert.deepEqual(await contents(copy), fresh)
  })

  it('a file with any one byte changed, cut off, or that is no backup', async () => {
    const target = await newDatabase()
    const copy = await connect(target)
    const fresh = await contents(copy)
    const good = await readFile(file)
    const broken = join(folder, 'broken')
    const places = [0, good.length - 1, good.length - 40, good.length - 50, good.length - 60]
    while (places.length < 25) places.push(Math.floor(Math.random() * good.length))
    const damaged: Array<[string, Buffer]> = [
      ['empty', Buffer.alloc(0)],
      ['text', Buffer.from('-- PostgreSQL database dump'.repeat(10))],
      ['longer', Buffer.concat([good, Buffer.from('x')])],
    ]
    for (const at of places) {
      const flipped = Buffer.from(good)
      flipped[at]! ^= 1 << (at % 8)
      damaged.push([`flipped at ${at}`, flipped], [`cut at ${at}`, good.subarray(0, at)])
    }
    for (const [what, bytes] of damaged) {
      await writeFile(broken, bytes)
      await assert.rejects(
        restore({ connection: target.connection, file: broken, log: quiet }),
        /not a backup of Purser, or it is damaged or incomplete/,
        what,
      )
    }
    assert.deepEqual(await contents(copy), fresh)
  })
})

describe('a backup that fails', () => {
  it('leaves an earlier backup of that name and nothing else', async () => {
    const place = await mkdtemp(join(folder, 'failing-'))
    const file = join(place, 'backup')
    await writeFile(file, 'the backup of yesterday')
    const cut = await cutConnection(1_000_000)
    await assert.rejects(
      backup({ connection: { ...source.connection, ...cut.endpoint }, file, log: quiet }),
      /Connection terminated/,
    )
    cut.close()
    assert.deepEqual(await readdir(place), ['backup'])
    assert.equal(await readFile(file, 'utf8'), 'the backup of yesterday')
  })

  it('says in one line what is wrong with the file or the database', async () => {
    const { connection } = source
    await assert.rejects(
      backup({ connection, file: join(folder, 'none', 'backup'), log: quiet }),
      /there is no such file or folder/,
    )
    await assert.rejects(backup({ connection, file: folder, log: quiet }), /is a folder/)
    const target = await newDatabase()
    const other = await connect(target)
    await other.query('drop schema public cascade; create schema public')
    await assert.rejects(
      backup({ connection: target.connection, file: join(folder, 'x'), log: quiet }),
      /not a database of Purser/,
    )
  })
})
