import { findOpenRenewal } from '../../core/billing/invoice-views.ts'
import { Refusal } from '../../core/refusal.ts'
import type { ServerStatus } from '../../core/servers/compute-driver.ts'
import type { Server, ServerAddress } from '../../core/servers/server.ts'
import type { ServerReader } from '../../core/servers/server-reader.ts'
import { amountText } from './crownpanel-amounts.ts'
import type { CrownPanelCall } from './crownpanel-deps.ts'
import { unixSeconds } from './unix-seconds.ts'

const MB_PER_GB = 1024
const PAGE_SERVERS = 100
/** Bounds the answer of an account that has more: the newest are listed. */
const SERVERS_MAX = 10_000
/** How many servers a provider is asked about at a time. */
const STATUS_SERVERS = 500

/** The account's server that `VMID` names. Refuses `not_found`, also where it names none. */
export async function serverOf({ deps, actor, fields }: CrownPanelCall): Promise<Server> {
  const name = fields.vmid?.trim()
  if (!name) throw new Refusal('not_found')
  return await deps.servers.one(actor.accountId, name)
}

export async function listVms({ deps, actor }: CrownPanelCall): Promise<unknown> {
  const servers = await everyServer(deps.servers, actor.accountId)
  const statuses = await statusesOf(deps.servers, servers)
  return servers.map((server) => ({
    vmid: String(server.id),
    status: statusText(server, statuses.get(server.id)),
    hostname: server.hostname,
    ipaddress: server.addresses[0]?.address ?? '',
    location: server.location,
    bandwidth: server.plan.bandwidthGb * MB_PER_GB,
  }))
}

/** The account's servers, newest first: this API has no pages. */
async function everyServer(reader: ServerReader, accountId: bigint): Promise<Server[]> {
  const servers: Server[] = []
  while (servers.length < SERVERS_MAX) {
    const page = await reader.list({
      accountId,
      states: ['active', 'suspended'],
      window: { before: servers.at(-1)?.id, limit: PAGE_SERVERS },
    })
    servers.push(...page.servers)
    if (page.servers.length < PAGE_SERVERS) break
  }
  return servers
}

/** How they are, all providers asked at once: one that does not answer delays the list once. */
async function statusesOf(
  reader: ServerReader,
  servers: readonly Server[],
): Promise<ReadonlyMap<bigint, ServerStatus | null>> {
  const asked: Promise<ReadonlyMap<bigint, ServerStatus | null>>[] = []
  for (let at = 0; at < servers.length; at += STATUS_SERVERS) {
    asked.push(reader.statusOf(servers.slice(at, at + STATUS_SERVERS)))
  }
  return new Map((await Promise.all(asked)).flatMap((statuses) => [...statuses]))
}

export async function vpsInfo(call: CrownPanelCall): Promise<unknown> {
  const { deps, actor } = call
  const server = await serverOf(call)
  const { id, plan, subscription, image } = server
  const [statuses, invoice] = await Promise.all([
    deps.servers.statusOf([server]),
    findOpenRenewal(deps.db, { accountId: actor.accountId, serverId: id }),
  ])
  const { renewal } = subscription
  return {
    vmid: String(id),
    hostname: server.hostname,
    status: statusText(server, statuses.get(id)),
    os: image.name,
    vcpu: plan.vcpus,
    memory_mb: plan.memoryMb,
    disk_gb: plan.diskGb,
    bandwidth_gb: plan.bandwidthGb,
    location: server.location,
    created_on: unixSeconds(server.createdAt),
    next_due_date: unixSeconds(subscription.expiresAt),
    renewal_price: renewal === null ? null : amountText(renewal.grossMicros),
    billing_cycle: subscription.billingCycle,
    invoice_id: invoice === undefined ? null : String(invoice.id),
  }
}

/** Whether it is switched on, unless billing has stopped it. One that is not known is offline. */
function statusText(server: Server, status: ServerStatus | null | undefined): string {
  if (server.state === 'active') return status?.power === 'running' ? 'online' : 'offline'
  return server.state
}

export async function networkInfo(call: CrownPanelCall): Promise<unknown> {
  const { id, addresses } = await serverOf(call)
  const of = (version: 4 | 6) =>
    addresses.filter((address) => address.version === version).map(addressText)
  return { vmid: String(id), ipv4: of(4), ipv6: of(6) }
}

function addressText({ version, address, gateway, prefix, ptr, main }: ServerAddress) {
  return {
    address,
    gateway,
    netmask: version === 4 ? netmaskOf(prefix) : String(prefix),
    rdns: ptr,
    primary: main,
  }
}

/** 24 as `255.255.255.0`. */
function netmaskOf(prefix: number): string {
  const bits = prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 0xff).join('.')
}

/** Refuses `provider_error` where the provider does not tell. */
export async function bandwidthUsage(call: CrownPanelCall): Promise<unknown> {
  const server = await serverOf(call)
  const status = (await call.deps.servers.statusOf([server])).get(server.id)
  if (!status) throw new Refusal('provider_error')
  const usage = status.trafficInMb + status.trafficOutMb
  const quota = server.plan.bandwidthGb * MB_PER_GB
  return {
    bandwidth_usage: usage,
    bandwidth_quota: quota,
    bandwidth_usage_percentage: quota === 0 ? 0 : Math.round((usage / quota) * 10_000) / 100,
  }
}
