import { startBare } from './bare-process.ts'
import { ask, type Bench, newPurser } from './bench.ts'
import { recordAnswer } from './record-answer.ts'
import { alternate, type Contestant } from './rounds.ts'
import { fillCatalogue, openShop } from './shop.ts'

const LISTED = 10_000
const CUSTOMERS = 100
const PLAIN = `services, ${LISTED.toLocaleString('en-US')} of them`
const GZIP = `${PLAIN}, gzip`
const BROTLI = `${PLAIN}, br`
const MEGABYTE = 'bare route, a static answer of 1 MB'
const AS_LONG = 'bare route, a static answer as long as services'

/** How fast a long catalogue is listed, against a static answer of the same server. */
export async function benchServices(bench: Bench): Promise<void> {
  const { report } = bench
  const purser = newPurser(bench, 'services')
  await purser.run()
  const shop = await openShop(purser.database, { wallets: CUSTOMERS })
  await fillCatalogue(purser.database, { shop, count: LISTED })
  const form = `key=${shop.wallets[0]?.key}&action=services`
  const { text, file } = await recordAnswer(bench, { url: `${purser.url}/api/v2`, form })
  const listed = (JSON.parse(text) as unknown[]).length
  if (listed !== LISTED) report.problem(`${listed} services are listed`)
  const bytes: Record<string, number> = { plain: text.length }
  for (const accepts of ['gzip', 'br']) bytes[accepts] = await bytesOf(purser.url, form, accepts)
  const sizes = Object.entries(bytes).map(([name, count]) => `${name} ${kilobytes(count)}`)
  report.note(`services lists ${listed} services: ${sizes.join(', ')}.`)
  const bare = bench.life.use(await startBare(bench.dir, file))
  const bodies = shop.wallets.map(({ key }) => `key=${key}&action=services`)
  const ofPurser = (line: string, accepts?: string): Contestant => ({
    line,
    ask(seconds) {
      purser.wake()
      const watched = { node: purser.pid, postmaster: purser.postmaster }
      const how = accepts === undefined ? {} : { accepts }
      const url = `${purser.url}/api/v2`
      return ask(bench, line, { url, bodies, keyed: false, ...how, seconds, watched })
    },
  })
  const ofBare = (line: string, path: string): Contestant => ({
    line,
    async ask(seconds) {
      await purser.sleep()
      const watched = { node: bare.pid }
      return ask(bench, line, { url: bare.url + path, bodies, keyed: false, seconds, watched })
    },
  })
  await alternate(bench, [
    ofPurser(PLAIN),
    ofBare(MEGABYTE, '/megabyte'),
    ofPurser(GZIP, 'gzip'),
    ofBare(AS_LONG, '/recorded'),
    ofPurser(BROTLI, 'br'),
  ])
  for (const line of [PLAIN, GZIP, BROTLI]) {
    const value = report.ratio(line, MEGABYTE)
    report.target({ name: `${line} / static 1 MB`, value, digits: 2, unit: ' x', least: 0.5 })
  }
  const asLong = report.ratio(PLAIN, AS_LONG)
  if (asLong !== undefined) report.note(`${PLAIN} / ${AS_LONG}: ${asLong.toFixed(2)} x.`)
  await purser.stop()
  report.target({
    name: 'most memory of the Node process',
    value: purser.peakMemoryMb,
    digits: 0,
    unit: ' MB',
    most: 300,
  })
}

/** How long the answer is on the wire. */
async function bytesOf(url: string, form: string, accepts: string): Promise<number> {
  const answer = await fetch(`${url}/api/v2`, {
    method: 'POST',
    body: form,
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'accept-encoding': accepts },
  })
  await answer.arrayBuffer()
  return Number(answer.headers.get('content-length'))
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1000).toLocaleString('en-US')} kB`
}
