import { browserClient } from './browser-client.ts'
import { testBehaviours } from './client-behaviours.ts'

testBehaviours(browserClient)
