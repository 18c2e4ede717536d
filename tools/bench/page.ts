import type { Report } from "./report.ts";
export async function writePage(_report: Report): Promise<void> {}
