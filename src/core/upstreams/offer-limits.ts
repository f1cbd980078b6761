import type { ServiceType } from '../catalogue/service-type.ts'

/** From how much to how much can be ordered at once. */
export interface Limits {
  readonly least: bigint
  readonly most: bigint
}

/**
 * What of a service can really be ordered here: multiples of its step alone, and of a Package the
 * one quantity that it delivers, whatever its min and max say.
 */
export function orderable(service: {
  readonly type: ServiceType
  readonly minQuantity: bigint
  readonly maxQuantity: bigint
  readonly quantityStep: bigint
  readonly packageQuantity: bigint | null
}): Limits {
  const { minQuantity, maxQuantity, quantityStep: step, packageQuantity } = service
  if (service.type === 'Package' && packageQuantity !== null) {
    return { least: packageQuantity, most: packageQuantity }
  }
  return {
    least: ((minQuantity + step - 1n) / step) * step,
    most: maxQuantity - (maxQuantity % step),
  }
}

/** Whether an upstream takes all of what can be ordered here. */
export function isWithin(ours: Limits, theirs: Limits): boolean {
  return ours.least >= theirs.least && ours.most <= theirs.most
}
