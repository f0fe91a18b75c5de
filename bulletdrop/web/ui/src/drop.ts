// The drop's own page: a picture that was withdrawn while the page was on its way says so.
import { watch } from "./broken";

watch();
