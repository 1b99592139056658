<?php
$password = getenv('IDP_SECRET');
$config = [
    'people' => [
        'exampleauth:UserPass',
        "ada:$password" => [
            'uid' => ['u-ada'],
            'email' => ['ada@acme.example'],
            'groups' => ['analysts', 'editors'],
        ],
        "alan:$password" => [
            'uid' => ['u-alan'],
            'email' => ['alan@acme.example'],
            'groups' => ['analysts'],
        ],
    ],
];
