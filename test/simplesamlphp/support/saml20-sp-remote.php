<?php
// One service provider for each connection, as the tests wrote it.
$metadata = json_decode(file_get_contents(getenv('IDP_HOME') . '/service-providers.json'), true);
