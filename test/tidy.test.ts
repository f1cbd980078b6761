/** House rules that a reader would otherwise have to check: floors, privacy, sizes, words. */
import assert from 'node:assert/strict'
import { basename, dirname } from 'node:path'
import { describe, it } from 'node:test'
import { knownMigrations } from '../src/db/migrate.ts'
import { filesOf, functionsOf, importsOf, type SourceFile } from './kit/source-tree.ts'

const all = filesOf()
const code = all.filter((file) => /^(src|test|bench|scripts|bin)\/.*\.(ts|mjs)$/.test(file.path))
const product = code.filter((file) => /^src\//.test(file.path) && !/\.test\.ts$/.test(file.path))
const self = 'test/tidy.test.ts'

/** Fails with one line for each breach. */
function none(breaches: readonly string[]): void {
  assert.equal(breaches.length, 0, `\n${breaches.join('\n')}`)
}

/** The lines of `files` that match, as `path:line text`. */
function linesWith(files: readonly SourceFile[], pattern: RegExp): string[] {
  return files.flatMap((file) =>
    file.text
      .split('\n')
      .map((text, index) => ({ text, line: index + 1 }))
      .filter(({ text }) => pattern.test(text))
      .map(({ text, line }) => `${file.path}:${line} ${text.trim().slice(0, 120)}`),
  )
}

/** From the ground up. Whatever lies directly in src/ composes all others. */
const FLOORS: ReadonlyArray<{ name: string; holds: RegExp }> = [
  { name: 'lib', holds: /^src\/lib\// },
  { name: 'db', holds: /^src\/db\// },
  { name: 'drivers', holds: /^src\/drivers\// },
  { name: 'core', holds: /^src\/core\/[^/]+$/ },
  { name: 'core/ledger', holds: /^src\/core\/ledger\// },
  { name: 'core/*', holds: /^src\/core\// },
  { name: 'workers', holds: /^src\/workers\// },
  { name: 'config', holds: /^src\/config\.ts$/ },
  { name: 'http', holds: /^src\/http\// },
  {
    name: 'dialects, admin, customer, docs, pages and demo',
    holds: /^src\/(dialects|admin|customer|docs|pages|demo)\//,
  },
  { name: 'composition', holds: /^src\/[^/]+$/ },
]

function floorOf(path: string): number {
  return FLOORS.findIndex((floor) => floor.holds.test(path))
}

describe('floors', () => {
  it('every file of src lies on one', () => {
    none(product.filter((file) => floorOf(file.path) === -1).map((file) => file.path))
  })

  it('imports point down', () => {
    const breaches: string[] = []
    for (const file of product) {
      for (const { target, typeOnly } of importsOf(file)) {
        if (!target.startsWith('src/')) continue
        const [from, to] = [floorOf(file.path), floorOf(target)]
        // A driver implements an interface that the core declares.
        const implementsCore = FLOORS[from]?.name === 'drivers' && /^src\/core\//.test(target)
        if (to > from && !(implementsCore && typeOnly)) {
          breaches.push(`${file.path} (${FLOORS[from]?.name}) imports ${target}`)
        }
      }
    }
    none(breaches)
  })

  it('no dialect, nor the operator or the customer API, knows another of them', () => {
    const breaches: string[] = []
    for (const file of product) {
      const own = /^src\/(?:dialects\/[^/]+|admin|customer)\//.exec(file.path)?.[0]
      if (own === undefined) continue
      for (const { target } of importsOf(file)) {
        const theirs = /^src\/(?:dialects\/[^/]+|admin|customer)\//.exec(target)?.[0]
        const shared = theirs?.endsWith('-family/') ?? true
        if (!shared && theirs !== own) breaches.push(`${file.path} imports ${target}`)
      }
    }
    none(breaches)
  })

  it('the core knows no HTTP, no sockets and no environment', () => {
    const core = product.filter((file) => file.path.startsWith('src/core/'))
    none(linesWith(core, /process\.env|process\.argv|console\./))
    const outside =
      /^(node:(https?|http2|net|tls|dgram|child_process|fs|fs\/promises)|fastify|@fastify\/.*|pino)$/
    none(
      core.flatMap((file) =>
        importsOf(file)
          .filter(({ target }) => outside.test(target))
          .map(({ target }) => `${file.path} imports ${target}`),
      ),
    )
  })

  it('the environment is read where the configuration is made', () => {
    const readers = /^src\/(config|cli|main)\.ts$|^src\/db\/embedded\//
    none(
      linesWith(
        product.filter((file) => !readers.test(file.path)),
        /process\.env/,
      ),
    )
  })

  it('nothing that runs imports tests, benches or scripts', () => {
    none(
      product.flatMap((file) =>
        importsOf(file)
          .filter(
            ({ target }) => /^(test|bench|scripts)\//.test(target) || /\.test\.ts$/.test(target),
          )
          .map(({ target }) => `${file.path} imports ${target}`),
      ),
    )
  })
})

/** Who writes each table: a folder with its sub-folders, or one file. */
const WRITERS: Readonly<Record<string, readonly string[]>> = {
  account: ['src/core/identity/'],
  account_rate: ['src/core/pricing/'],
  account_user: ['src/core/identity/'],
  addon: ['src/core/catalogue/'],
  addon_price: ['src/core/catalogue/'],
  api_key: ['src/core/identity/'],
  card: ['src/core/billing/cards/'],
  card_charge: ['src/core/billing/paying/'],
  clean_up_mark: ['src/core/orders/'],
  correction: ['src/core/orders/'],
  credit: ['src/core/ledger/'],
  discount_group: ['src/core/pricing/'],
  epoch: ['src/core/epoch.ts'],
  event: ['src/core/execute.ts'],
  hold: ['src/core/ledger/'],
  idempotency: ['src/core/execute.ts', 'src/core/execute-batch.ts', 'src/core/forget-effects.ts'],
  installation: ['src/core/set-test-clock.ts', 'src/db/restore.ts'],
  invoice: ['src/core/billing/'],
  invoice_series: ['src/core/billing/'],
  ledger_account: ['src/core/ledger/'],
  ledger_checkpoint: ['src/core/ledger/'],
  ledger_checkpoint_balance: ['src/core/ledger/'],
  manual_work: ['src/core/orders/manual/'],
  migration: ['src/db/migrate.ts'],
  notice: ['src/core/notices/'],
  operator: ['src/core/identity/'],
  order_refund: ['src/core/orders/'],
  plan: ['src/core/catalogue/'],
  plan_price: ['src/core/catalogue/'],
  post_watch: ['src/core/orders/parts/'],
  promo_code: ['src/core/catalogue/'],
  purchase: ['src/core/billing/'],
  purchase_line: ['src/core/billing/'],
  rate_window: ['src/http/rate-limiter.ts', 'src/core/forget-rate-windows.ts'],
  refill: ['src/core/orders/refills/'],
  refill_work: ['src/core/orders/refills/'],
  server: ['src/core/servers/'],
  server_address: ['src/core/servers/'],
  service: ['src/core/catalogue/'],
  service_category: ['src/core/catalogue/'],
  service_order: ['src/core/orders/'],
  service_pace: ['src/core/catalogue/'],
  service_price: ['src/core/catalogue/'],
  service_provider: ['src/core/catalogue/'],
  session: ['src/core/identity/'],
  simulated_charge: ['src/drivers/'],
  simulated_delivery: ['src/drivers/'],
  simulated_fault: ['src/drivers/'],
  simulated_post: ['src/drivers/delivery/'],
  simulated_refill: ['src/drivers/delivery/'],
  simulated_server: ['src/drivers/'],
  subscription: ['src/core/billing/'],
  subscription_period: ['src/core/billing/'],
  tax_profile: ['src/core/billing/tax/'],
  transfer: ['src/core/ledger/'],
  upstream: ['src/core/upstreams/'],
  upstream_margin: ['src/core/upstreams/'],
  upstream_service: ['src/core/upstreams/'],
  webhook_cursor: ['src/core/webhooks/'],
  webhook_endpoint: ['src/core/webhooks/'],
  webhook_message: ['src/core/webhooks/'],
}

/** Group commit: one function that writes for several folders, in one round trip. */
const WRITES_FOR_SEVERAL = new Set([
  'migrations/0003_place_orders.sql',
  'migrations/0011_place_orders.sql',
])

const BUILDER_WRITE = /\.(?:insertInto|updateTable|deleteFrom|mergeInto)\(\s*'(\w+)'/g
const SQL_WRITE =
  /\b(?:insert into|delete from|merge into|update(?= (?:only )?(?:public\.)?\w+(?: (?:as )?\w+)? set))\s+(?:only )?(?:public\.)?(\w+)/gi

function tablesWritten(text: string): Set<string> {
  const matches = [...text.matchAll(BUILDER_WRITE), ...text.matchAll(SQL_WRITE)]
  return new Set(matches.map((match) => match[1]!.toLowerCase()).filter((name) => name in WRITERS))
}

describe('SQL', () => {
  it('every table has its writers', () => {
    const schema = all.find((file) => file.path === 'schema.sql')?.text ?? ''
    const tables = [...schema.matchAll(/^create (?:unlogged )?table (\w+)/gm)].map((m) => m[1]!)
    assert.deepEqual(Object.keys(WRITERS), tables)
  })

  it('a table is written where its rules are', () => {
    const breaches: string[] = []
    for (const file of product) {
      for (const table of tablesWritten(file.text)) {
        const allowed = WRITERS[table]!.some((writer) => file.path.startsWith(writer))
        if (!allowed) breaches.push(`${file.path} writes ${table}`)
      }
    }
    none(breaches)
  })

  it('a function in the database writes for one folder, but for group commit', () => {
    const breaches: string[] = []
    for (const file of all.filter((each) => each.path.startsWith('migrations/'))) {
      for (const [body] of file.text.matchAll(/\$(\w*)\$[\s\S]*?\$\1\$/g)) {
        const owners = new Set([...tablesWritten(body)].map((table) => WRITERS[table]![0]))
        if (owners.size > 1 && !WRITES_FOR_SEVERAL.has(file.path)) breaches.push(file.path)
      }
    }
    none(breaches)
  })

  it('dialects, the operator and customer API and lib hold none', () => {
    const without = product.filter((file) =>
      /^src\/(dialects|admin|customer|lib)\//.test(file.path),
    )
    none(
      linesWith(without, /\bsql`|\.(selectFrom|insertInto|updateTable|deleteFrom)\(|pool\.query/),
    )
  })

  it('a store is private to its folder', () => {
    const breaches: string[] = []
    for (const file of code) {
      for (const { target } of importsOf(file)) {
        const isStore = /^src\/.*-store\.ts$/.test(target)
        if (isStore && dirname(target) !== dirname(file.path)) {
          breaches.push(`${file.path} imports ${target}`)
        }
      }
    }
    none(breaches)
  })

  it('migrations are numbered without a gap and named', async () => {
    for (const { name } of await knownMigrations()) assert.match(name, /^\d{4}_[a-z0-9_]+\.sql$/)
  })
})

const FILE_LINES_MAX = 400
const FUNCTION_LINES_MAX = 70
const LINE_LENGTH_MAX = 100
/** What only lists routes, one after the other, is read like a table. */
const REGISTRATION_LINES_MAX = 100
/** Longer than they should be, and by how many lines at the most: a number may only go down. */
const LONG_FILES: Readonly<Record<string, number>> = {}
const GENERATED = new Set(['src/db/schema.ts'])

/** Templates and long strings left empty: text for people or for PostgreSQL has its own lines. */
function withoutTexts({ path, text }: SourceFile): SourceFile {
  const emptied = text
    .replace(/`(?:[^`\\]|\\.)*`/gs, (template) => template.replace(/[^\n]/g, ''))
    .replace(/'[^'\n]{50,}'|"[^"\n]{50,}"/g, "''")
  return { path, text: emptied }
}

describe('sizes', () => {
  const written = code.filter((file) => !GENERATED.has(file.path))

  it(`files have at most ${FILE_LINES_MAX} lines`, () => {
    const breaches: string[] = []
    for (const { path, text } of written) {
      const lines = text.split('\n').length - 1
      if (lines > (LONG_FILES[path] ?? FILE_LINES_MAX)) breaches.push(`${path} has ${lines} lines`)
      if (path in LONG_FILES && lines <= FILE_LINES_MAX) {
        breaches.push(`${path} is short enough: it needs no exception`)
      }
    }
    none(breaches)
  })

  it(`functions have at most ${FUNCTION_LINES_MAX} lines`, () => {
    const breaches: string[] = []
    for (const file of written.filter(({ path }) => !path.startsWith('test/'))) {
      for (const { name, line, lines } of functionsOf(file)) {
        const most = /^register[A-Z]/.test(name) ? REGISTRATION_LINES_MAX : FUNCTION_LINES_MAX
        if (lines > most) breaches.push(`${file.path}:${line} ${name} has ${lines} lines`)
      }
    }
    none(breaches)
  })

  it(`lines of code and SQL have at most ${LINE_LENGTH_MAX} characters`, () => {
    const migrations = all.filter((file) => file.path.startsWith('migrations/'))
    // A test may quote an answer whole, on one line.
    const own = written.filter((file) => !/\.test\.ts$/.test(file.path)).map(withoutTexts)
    const tooLong = new RegExp(`^.{${LINE_LENGTH_MAX + 1},}$`, 'u')
    none(linesWith([...own, ...migrations], tooLong))
  })
})

describe('words', () => {
  it('files are named after what they export, in kebab-case', () => {
    const vague = /(^|[-/.])(utils?|helpers?|common|managers?|misc)([-/.]|$)/
    const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*$/
    none(
      code
        .map((file) => file.path)
        .filter((path) => vague.test(path) || !kebab.test(basename(path))),
    )
  })

  it('nothing is put off, skipped or silenced', () => {
    const others = code.filter((file) => file.path !== self)
    none(linesWith(others, /\b(TODO|FIXME|XXX|HACK)\b/))
    none(linesWith(others, /\b(test|it|describe|suite)\.(skip|only|todo)\b|\{ (only|todo):/))
    const handWritten = others.filter((file) => !/\.d\.ts$/.test(file.path))
    none(linesWith(handWritten, /@ts-(ignore|expect-error|nocheck)|biome-ignore/))
    none(linesWith(handWritten, /\bas any\b|: any(\[\])?([,;)>=]|$)|<any>/))
  })

  it('money is never a float', () => {
    const exact = product.filter((file) => !/^src\/dialects\//.test(file.path))
    none(linesWith(exact, /\b(Number|parseFloat|parseInt)\([^)]*[mM]icros/))
    none(linesWith(product, /[mM]icros\w*(: number\b| [*/] \d+(\.\d+)?(?![\dn_.]))/))
    none(linesWith(product, /\bMath\.\w+\([^)]*[mM]icros|[mM]icros\w*\.toFixed/))
  })

  it('nothing names the place where it was written', () => {
    const readable = all.filter((file) => file.path !== self)
    none(linesWith(readable, /(^|[\s'"`(=])\/work\/|\/tmp\/pg\b|\bcoding (agent|assistant)s?\b/i))
    none(linesWith(readable, /"resolved": "|\bregistry\.[a-z]+\.[a-z]+/))
  })
})

describe('decisions', () => {
  const records = all.filter((file) => file.path.startsWith('docs/decisions/'))

  it('are numbered, named, one page, and say how they are kept', () => {
    for (const [index, { path, text }] of records.entries()) {
      const number = index + 1
      assert.match(path, new RegExp(`/${String(number).padStart(4, '0')}-[a-z0-9-]+\\.md$`))
      assert.ok(text.startsWith(`# ${number}. `), `${path}: the title has no number`)
      for (const part of ['Context', 'Decision', 'Consequences', 'Alternatives', 'Check']) {
        assert.ok(text.includes(`\n## ${part}\n`), `${path}: no ${part}`)
      }
      assert.ok(text.split('\n').length <= 80, `${path} is longer than a page`)
    }
  })

  it('are named where they are known', () => {
    const named = all.filter((file) => /^(ARCHITECTURE|README|CONTRIBUTING)\.md$/.test(file.path))
    for (const { path } of records) {
      const name = basename(path)
      const known = named.some((file) => file.text.includes(name))
      assert.ok(known, `neither README, ARCHITECTURE nor CONTRIBUTING names ${name}`)
    }
  })
})
