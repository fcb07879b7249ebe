import { join } from 'node:path'
import { dataDirectory } from '../../config/directories.ts'
import type { Environment } from '../../git/run.ts'
import { VERSION } from '../version.ts'

/** What the names and MACs of caches are made from. */
export function keeping(env: Environment): { version: string; keyFile: string } {
  return { version: VERSION, keyFile: join(dataDirectory(env), 'facts.key') }
}
