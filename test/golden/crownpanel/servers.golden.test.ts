/** What CrownPanel's queries tell of servers, to the letter. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Answer, assertWire } from '../../kit/answer.ts'
import { assertDocumented } from '../../kit/documented.ts'
import { suspendForAbuse, switchOff, terminate, withdrawPrices } from '../../kit/operator.ts'
import { startTestPurser } from '../../kit/purser.ts'
import { expiryOf, newServer, openRenewal, renewableServer } from '../../kit/servers.ts'
import { injectFault, newCustomer } from '../../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())

function assertAnswer(answer: Answer, text: string | RegExp): void {
  assertWire(answer, 200, text)
  assertDocumented('crownpanel', 'post /', answer)
}

const seconds = (instant: Date) => String(Math.floor(instant.getTime() / 1000))

const WEB = {
  hostname: 'web1.shop.example',
  location: 'Sofia',
  image: { name: 'Ubuntu 24.04', family: 'ubuntu', version: '24.04' },
  plan: { vcpus: 2, memory_mb: 4096, disk_gb: 80, bandwidth_gb: 2048 },
  addresses: [
    { address: '198.51.100.10', gateway: '198.51.100.1', prefix: 24, ptr: 'web1.shop.example' },
    { address: '2001:db8:a::10', gateway: '2001:db8:a::1', prefix: 64 },
    { address: '198.51.100.140', gateway: '198.51.100.129', prefix: 25 },
  ],
}

test('list_vms: none', async () => {
  const customer = await newCustomer(purser)
  assertAnswer(await customer.crownpanel({ QUERY: 'list_vms' }), '[]')
})

test('list_vms: newest first; online, offline, suspended; terminated ones are gone', async () => {
  const customer = await newCustomer(purser)
  const web = await newServer(purser, customer, WEB)
  const off = await newServer(purser, customer, {
    hostname: 'off.shop.example',
    location: 'Stockholm',
    plan: { bandwidth_gb: 0 },
    addresses: [],
  })
  const bad = await newServer(purser, customer, { hostname: 'bad.shop.example', location: 'Sofia' })
  const gone = await newServer(purser, customer, { hostname: 'gone.shop.example' })
  await switchOff(purser, off)
  await suspendForAbuse(purser, bad)
  await terminate(purser, gone)
  assertAnswer(
    await customer.crownpanel({ QUERY: 'list_vms' }),
    `[{"vmid":"${bad.id}","status":"suspended","hostname":"bad.shop.example","ipaddress":"${bad.address}","location":"Sofia","bandwidth":1048576},` +
      `{"vmid":"${off.id}","status":"offline","hostname":"off.shop.example","ipaddress":"","location":"Stockholm","bandwidth":0},` +
      `{"vmid":"${web.id}","status":"online","hostname":"web1.shop.example","ipaddress":"198.51.100.10","location":"Sofia","bandwidth":2097152}]`,
  )
})

test('list_vms: more than a page of them, each once', async () => {
  const customer = await newCustomer(purser)
  const made: string[] = []
  for (let at = 0; at < 103; at++) {
    made.push(String((await newServer(purser, customer, { addresses: [] })).id))
  }
  const answer = await customer.crownpanel({ QUERY: 'list_vms' })
  assertDocumented('crownpanel', 'post /', answer)
  const listed = (answer.json as { vmid: string }[]).map(({ vmid }) => vmid)
  assert.deepEqual(listed, made.toReversed())
})

test('vps_info: without an open renewal, and with one', async () => {
  const customer = await newCustomer(purser)
  const server = await newServer(purser, customer, { ...WEB, addresses: [], daysLeft: 20 })
  const text = (o: { vmid: bigint; due: Date; created: Date; invoice: string }) =>
    `{"vmid":"${o.vmid}","hostname":"web1.shop.example","status":"online","os":"Ubuntu 24.04","vcpu":2,"memory_mb":4096,"disk_gb":80,"bandwidth_gb":2048,"location":"Sofia","created_on":"${seconds(o.created)}","next_due_date":"${seconds(o.due)}","renewal_price":"5.00","billing_cycle":1,"invoice_id":${o.invoice}}`
  assertAnswer(
    await customer.crownpanel({ QUERY: 'vps_info', VMID: String(server.id) }),
    text({
      vmid: server.id,
      due: server.expiresAt,
      created: server.createdAt,
      invoice: 'null',
    }),
  )
  const due = await renewableServer(purser, customer, { ...WEB, addresses: [] })
  const invoice = await openRenewal(purser, due)
  for (const VMID of [String(due.id), due.publicId]) {
    assertAnswer(
      await customer.crownpanel({ QUERY: 'vps_info', VMID }),
      text({
        vmid: due.id,
        due: await expiryOf(purser, due),
        created: due.createdAt,
        invoice: `"${invoice.id}"`,
      }),
    )
  }
})

test('vps_info: offline, suspended, terminated; a renewal that is not sold has no price', async () => {
  const customer = await newCustomer(purser, { currency: 'SEK' })
  const server = await newServer(purser, customer, { currency: 'SEK' })
  await withdrawPrices(purser, server)
  const status = async (): Promise<unknown> => {
    const answer = await customer.crownpanel({ QUERY: 'vps_info', VMID: String(server.id) })
    assertDocumented('crownpanel', 'post /', answer)
    const info = answer.json as { status: string; renewal_price: string | null }
    assert.equal(info.renewal_price, null)
    return info.status
  }
  assert.equal(await status(), 'online')
  await switchOff(purser, server)
  assert.equal(await status(), 'offline')
  await suspendForAbuse(purser, server)
  assert.equal(await status(), 'suspended')
  await terminate(purser, server)
  assert.equal(await status(), 'terminated')
})

test('network_info: the main address first, IPv4 and IPv6 apart', async () => {
  const customer = await newCustomer(purser)
  const { address: _one, ...rest } = WEB.addresses[0]!
  const server = await newServer(purser, customer, {
    ...WEB,
    addresses: [
      { ...rest, address: '198.51.100.11' },
      { ...WEB.addresses[1]!, address: '2001:db8:a::11' },
      { ...WEB.addresses[2]!, address: '198.51.100.141' },
    ],
  })
  assertAnswer(
    await customer.crownpanel({ QUERY: 'network_info', VMID: String(server.id) }),
    `{"vmid":"${server.id}","ipv4":[{"address":"198.51.100.11","gateway":"198.51.100.1","netmask":"255.255.255.0","rdns":"web1.shop.example","primary":true},` +
      '{"address":"198.51.100.141","gateway":"198.51.100.129","netmask":"255.255.255.128","rdns":null,"primary":false}],' +
      '"ipv6":[{"address":"2001:db8:a::11","gateway":"2001:db8:a::1","netmask":"64","rdns":null,"primary":false}]}',
  )
})

test('network_info: no addresses', async () => {
  const customer = await newCustomer(purser)
  const server = await newServer(purser, customer, { addresses: [] })
  assertAnswer(
    await customer.crownpanel({ QUERY: 'network_info', VMID: String(server.id) }),
    `{"vmid":"${server.id}","ipv4":[],"ipv6":[]}`,
  )
})

test('bandwidth_usage_v2: numbers, in MB, as the provider tells', async () => {
  const customer = await newCustomer(purser)
  const server = await newServer(purser, customer, { plan: { bandwidth_gb: 1 } })
  const answer = await customer.crownpanel({
    QUERY: 'bandwidth_usage_v2',
    VMID: String(server.id),
  })
  assertAnswer(
    answer,
    /^\{"bandwidth_usage":\d+(\.\d+)?,"bandwidth_quota":1024,"bandwidth_usage_percentage":\d+(\.\d{1,2})?\}$/,
  )
  const { bandwidth_usage, bandwidth_usage_percentage } = answer.json as Record<string, number>
  assert.ok(Math.abs(bandwidth_usage_percentage! - (bandwidth_usage! / 1024) * 100) <= 0.005)
})

test('bandwidth_usage_v2: without a limit the quota is 0, and so is the percentage', async () => {
  const customer = await newCustomer(purser)
  const server = await newServer(purser, customer, { plan: { bandwidth_gb: 0 } })
  assertAnswer(
    await customer.crownpanel({ QUERY: 'bandwidth_usage_v2', VMID: String(server.id) }),
    /^\{"bandwidth_usage":\d+(\.\d+)?,"bandwidth_quota":0,"bandwidth_usage_percentage":0\}$/,
  )
})

test('a provider that does not tell: lists go on without it, traffic is an error', async () => {
  const customer = await newCustomer(purser)
  const server = await newServer(purser, customer, { ...WEB, addresses: [] })
  await injectFault(purser, { operation: 'server_status', fault: 'error', times: 1_000_000 })
  try {
    assertAnswer(
      await customer.crownpanel({ QUERY: 'list_vms' }),
      `[{"vmid":"${server.id}","status":"offline","hostname":"web1.shop.example","ipaddress":"","location":"Sofia","bandwidth":2097152}]`,
    )
    assertAnswer(
      await customer.crownpanel({ QUERY: 'bandwidth_usage_v2', VMID: String(server.id) }),
      '{"query_status":"Error","query":"bandwidth_usage_v2","query_result":"The provider returned an error."}',
    )
  } finally {
    await injectFault(purser, { operation: 'server_status', fault: 'error', times: 0 })
  }
})
