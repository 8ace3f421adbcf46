/** Puts the fake kernel in the place of Linux. To be imported before anything of the proxy. */
import { replaceKernel } from '../../src/sys/kernel-choice.ts';
import { FakeKernel } from './fake-kernel.ts';

export const fakeKernel: FakeKernel = new FakeKernel();
replaceKernel(fakeKernel);
