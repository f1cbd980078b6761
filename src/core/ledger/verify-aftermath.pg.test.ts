import { describe, test } from 'node:test'
import { AFTERMATH_PLANTS } from '../../../test/kit/aftermath-breaches.ts'
import { newAftermathScene } from '../../../test/kit/aftermath-scene.ts'
import { assertNamed } from '../../../test/kit/assert-named.ts'

describe('verify names what is wrong after orders have ended, in what is new and in all', () => {
  for (const { plant, ...told } of AFTERMATH_PLANTS) {
    test(told.breach, () => assertNamed({ newScene: newAftermathScene, plant, ...told }))
  }
})
