<?php
// All that SimpleSAMLphp is told; where it runs comes from the environment.
$home = getenv('IDP_HOME');
$config = [
    'baseurlpath' => getenv('IDP_URL') . '/',
    'certdir' => "$home/cert/",
    'loggingdir' => "$home/",
    'datadir' => "$home/",
    'tempdir' => "$home/tmp",
    'metadatadir' => "$home/metadata/",
    'secretsalt' => getenv('IDP_SECRET'),
    'auth.adminpassword' => getenv('IDP_SECRET'),
    'technicalcontact_name' => 'Tests',
    'technicalcontact_email' => 'na@acme.example',
    'timezone' => 'UTC',
    'logging.level' => 7,
    'logging.handler' => 'file',
    'logging.logfile' => 'idp.log',
    'enable.saml20-idp' => true,
    'module.enable' => ['core' => true, 'saml' => true, 'exampleauth' => true],
    'store.type' => 'phpsession',
    // Plain http, on a loopback address.
    'session.cookie.secure' => false,
    'session.cookie.samesite' => null,
    'language.cookie.secure' => false,
    'language.cookie.samesite' => null,
    'session.phpsession.cookiename' => 'SimpleSAML',
    'session.phpsession.savepath' => "$home/sessions",
    'session.phpsession.httponly' => true,
    'language.default' => 'en',
    'theme.use' => 'default',
    'metadata.sources' => [['type' => 'flatfile']],
    'authproc.idp' => [],
];
