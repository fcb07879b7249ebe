import { defineGroup } from '../command.ts'
import { add } from '../policy/add.ts'
import { check } from '../policy/check.ts'
import { diff } from '../policy/diff.ts'
import { init } from '../policy/init.ts'
import { show } from '../policy/show.ts'

export const policy = defineGroup({
  name: 'policy',
  summary: 'Write, check and compare the policy that says who may sign',
  commands: [init, check, show, diff, add],
})
