import type { Static } from 'typebox'
import type { Invoice } from '../../core/billing/purchase.ts'
import type { ServerStatus } from '../../core/servers/compute-driver.ts'
import type { Server } from '../../core/servers/server.ts'
import { publicIdOf } from '../../lib/ids.ts'
import { vpsActions } from './gates.ts'
import type { VpsDetailsShape, VpsShape, VpsStatusShape } from './shapes.ts'
import { amount, cycleName, gigabytes, instant, measure, percentUsed } from './values.ts'

/** A server, how it is (null: its provider does not say), and the invoice that it waits for. */
export interface SeenServer {
  readonly server: Server
  readonly status: ServerStatus | null
  readonly unpaid: Invoice | undefined
}

type Vps = Static<typeof VpsShape>

export function vpsText({ server, status, unpaid }: SeenServer): Vps {
  const { image, plan } = server
  return {
    id: vpsId(server),
    name: server.hostname,
    primaryIp: server.addresses.find((address) => address.main)?.address ?? null,
    serviceStatus: server.state,
    powerState: powerState(server, status),
    operatingSystem: {
      displayName: image.name,
      family: image.family,
      version: image.version,
      variant: null,
    },
    billing: billingText(server),
    resources: {
      cpuCores: plan.vcpus,
      memoryGb: gigabytes(plan.memoryMb),
      storageGb: plan.diskGb,
    },
    bandwidth: bandwidthText(server, status),
    actions: vpsActions(server, unpaid),
  }
}

export function detailsText({
  server,
  status,
  unpaid,
}: SeenServer): Static<typeof VpsDetailsShape> {
  const { plan, subscription } = server
  return {
    id: vpsId(server),
    productName: plan.name,
    hostname: server.hostname,
    serviceStatus: server.state,
    createdAt: instant(server.createdAt),
    nextDueAt: subscription.active ? instant(subscription.expiresAt) : null,
    billing: billingText(server),
    cpuCores: plan.vcpus,
    memoryGb: gigabytes(plan.memoryMb),
    storageGb: plan.diskGb,
    backupsIncluded: 0,
    bandwidth: bandwidthText(server, status),
    ipAddresses: server.addresses.map(({ address, version, gateway, prefix, main, ptr }) => ({
      address,
      version,
      gateway,
      prefix,
      isPrimary: main,
      reverseDns: ptr,
    })),
    sshKeys: [],
    actions: vpsActions(server, unpaid),
  }
}

export function statusText({
  server,
  status,
}: Omit<SeenServer, 'unpaid'>): Static<typeof VpsStatusShape> {
  const { plan } = server
  const memoryUsedMb = status?.memoryUsedMb
  const diskUsedGb = status?.diskUsedGb
  const { inboundGb, outboundGb, usedGb } = bandwidthText(server, status)
  return {
    id: vpsId(server),
    powerState: powerState(server, status),
    uptimeSeconds: status === null ? null : Math.floor(status.uptimeSeconds),
    cpuUsagePercent: status === null ? null : measure(status.cpuPercent),
    cpuCores: plan.vcpus,
    memory: {
      usedGb: memoryUsedMb === undefined ? null : gigabytes(memoryUsedMb),
      totalGb: gigabytes(plan.memoryMb),
      usagePercent: memoryUsedMb === undefined ? null : percentUsed(memoryUsedMb, plan.memoryMb),
    },
    storage: {
      usedGb: diskUsedGb === undefined ? null : measure(diskUsedGb),
      totalGb: plan.diskGb,
      usagePercent: diskUsedGb === undefined ? null : percentUsed(diskUsedGb, plan.diskGb),
    },
    network: { inboundGb, outboundGb, totalGb: usedGb },
    pendingTasks: [],
  }
}

export function vpsId(server: Server): string {
  return publicIdOf('vps', server.publicId)
}

/** Null: there is nothing left that could be switched on. */
function powerState(server: Server, status: ServerStatus | null): Vps['powerState'] {
  return server.state === 'terminated' ? null : (status?.power ?? 'unknown')
}

function billingText({ subscription }: Server): Vps['billing'] {
  const { billingCycle: months, renewal, currency } = subscription
  const grossMicros = renewal?.grossMicros ?? null
  return {
    amount: grossMicros === null ? null : amount(grossMicros),
    currencyCode: currency,
    billingCycle: cycleName(months, grossMicros),
    isPayg: false,
    periodYears: months % 12 === 0 ? months / 12 : null,
  }
}

function bandwidthText({ plan }: Server, status: ServerStatus | null): Vps['bandwidth'] {
  const limitGb = plan.bandwidthGb === 0 ? null : plan.bandwidthGb
  if (status === null) {
    return { usedGb: null, limitGb, inboundGb: null, outboundGb: null, usagePercent: null }
  }
  const usedMb = status.trafficInMb + status.trafficOutMb
  return {
    usedGb: gigabytes(usedMb),
    limitGb,
    inboundGb: gigabytes(status.trafficInMb),
    outboundGb: gigabytes(status.trafficOutMb),
    usagePercent: percentUsed(usedMb / 1024, plan.bandwidthGb),
  }
}
