import { memoryStore } from "../../support/store.ts";
import { storeContract } from "./suite.ts";

storeContract("memory", (journal, machine) => memoryStore({ journal, machine }));
