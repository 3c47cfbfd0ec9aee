import { memoryCache } from "../../support/cache.ts";
import { cacheContract } from "./suite.ts";

cacheContract("memory", (journal) => memoryCache({ journal }));
